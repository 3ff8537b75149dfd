"""The program under a recorder, told to a reviewer without credentials. Filled by the preview issue."""
