-- The label that started a migration; '' if that was before it was kept here. A
-- migration waits while its issue is without it.
ALTER TABLE migrations ADD COLUMN label TEXT NOT NULL DEFAULT '';

-- What is known of the label being off the issue: nothing, it was noticed, or
-- somebody said to go on without it.
ALTER TABLE migrations ADD COLUMN absence TEXT NOT NULL DEFAULT '' CHECK (absence IN ('', 'noticed', 'answered'));
