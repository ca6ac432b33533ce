"""The page of an audit: suspects as pictures beside trusted examples, and a person's decisions."""
