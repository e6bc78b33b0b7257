"""The steps of the pipeline: what `.ci/*` runs, on a laptop and in the workflows alike."""
