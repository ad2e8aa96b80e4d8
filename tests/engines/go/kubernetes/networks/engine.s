// What is linked by name has no body.
