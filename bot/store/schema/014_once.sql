-- The newest comment that said whether a migration is to go on: deliveries come in
-- no certain order, and what an older one says counts no more. 0 if there was none.
ALTER TABLE migrations ADD COLUMN said INTEGER NOT NULL DEFAULT 0;

-- The issue or pull request where somebody is to be told that restage does not act
-- for them; 0 when they were.
ALTER TABLE refusals ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
