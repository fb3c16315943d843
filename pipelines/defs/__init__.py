"""The definitions, a package for each part: what it gives are ASSETS, JOBS, SENSORS and SCHEDULES."""
