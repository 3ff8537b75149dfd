"""What must hold whatever the plan says: rules over registered resources. Filled by the preview issue."""
