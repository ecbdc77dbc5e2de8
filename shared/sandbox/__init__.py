"""The sandbox provider: what stands for carriers, post, field staff and courts where there is no contract with them."""
