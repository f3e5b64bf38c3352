"""The lists that come along."""

from segdepth.data.splits import eigen_test_files, eigen_test_scenes, static_frames


def test_the_shipped_lists_are_the_public_ones() -> None:
    assert len(eigen_test_files()) == len(set(eigen_test_files())) == 697
    assert {frame.drive for frame in eigen_test_files()} == eigen_test_scenes()
    assert len(eigen_test_scenes()) == 28
    assert len(static_frames()) == 8044
