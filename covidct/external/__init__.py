"""Sets and weights that others publish: COVID-CT's pictures, LUNA16, LNM, ImageNet weights; checked by digest."""
