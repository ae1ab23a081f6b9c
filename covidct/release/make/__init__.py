"""Making releases: importing, building, splitting, comparing, materialising, exporting, packing."""
