// Greenctl
