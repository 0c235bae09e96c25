"""The Query API: the HTTP door for tills, analysts and auditors. Routes by answer, each with its position."""
