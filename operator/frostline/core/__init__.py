"""Pure decisions: values in, values out. Time is an argument."""
