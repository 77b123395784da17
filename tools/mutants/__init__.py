"""Single changes of a module, and those that no test could notice."""
