-- The WebVTT file of the published stream's storyboard; NULL for streams that were made before there were any.
ALTER TABLE videos ADD COLUMN storyboard_path text;
