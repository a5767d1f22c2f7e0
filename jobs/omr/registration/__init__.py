"""Where every bubble of a form is on a page: coarse candidates from all evidence, judged and refined on the bubbles."""
