"""What a job is that says nothing more of itself."""

from pathlib import Path

from segdepth.executing import Here, Job


class Plain(Job[Path, str]):
    name = "plain"

    def worker(self) -> "Plain":
        return self

    def do(self, key: Path) -> str:
        return key.name


def test_a_job_without_files_is_never_done_and_nobody_elses() -> None:
    job = Plain()
    assert not job.done(Path("a"))
    assert not job.claimed()
    assert job.label(Path("a/b")) == str(Path("a/b"))
    assert (job.gpus, job.repeatable) == (0, True)
    assert list(Here().carry_out(job, [Path("a"), Path("b")])) == [(Path("a"), "a"), (Path("b"), "b")]
