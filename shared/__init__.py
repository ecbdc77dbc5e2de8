"""What every Arrears service shares: the published language, the runtime, and the parts with I/O."""
