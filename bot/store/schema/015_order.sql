-- What people said comes in no certain order. When the label was put on, in seconds
-- as GitHub counts: a comment that is older was meant for another migration. 0 if
-- that was before it was kept here.
ALTER TABLE migrations ADD COLUMN labelled INTEGER NOT NULL DEFAULT 0;

-- GitHub's number of the label: it may get another name. 0 if it is not known.
ALTER TABLE migrations ADD COLUMN label_id INTEGER NOT NULL DEFAULT 0;

-- The newest comment about passing over the phase; skipped_by is '' when it said to
-- do it after all.
ALTER TABLE skips ADD COLUMN comment INTEGER NOT NULL DEFAULT 0;

-- The request whose handling tells somebody that restage does not act for them: two
-- handled at once would both. '' where they were told before that was kept here.
ALTER TABLE refusals DROP COLUMN number;
ALTER TABLE refusals ADD COLUMN request TEXT NOT NULL DEFAULT '';
