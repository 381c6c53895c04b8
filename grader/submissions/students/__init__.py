"""Who handed in, and when: names, the roster, times and tables of times."""
