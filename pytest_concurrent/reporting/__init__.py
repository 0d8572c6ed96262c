"""What people read: lines on the terminal, and files. Told what happened; asks nobody."""
