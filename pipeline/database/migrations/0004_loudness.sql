-- What a video's sound is brought to (EBU R128, LUFS); NULL leaves it as it was recorded.
ALTER TABLE videos ADD COLUMN loudness_lufs double precision CHECK (loudness_lufs BETWEEN -31 AND -10);
