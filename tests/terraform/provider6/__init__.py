"""Version 6 of the AWS provider by its schema alone, since every plan and apply here runs on 5.100.0."""
