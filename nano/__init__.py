"""How the embedded model nano is made: data, training, evaluation. Not shipped in the wheel."""
