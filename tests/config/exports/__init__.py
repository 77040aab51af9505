"""Complete exports of other products, in the shapes of their published API documentation."""
