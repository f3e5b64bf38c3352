"""The main job in one go: a world, one network on both tasks, scores beside baselines, one pixel explained for both."""
