"""What every `OutputArea` promises."""

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from weaver_like.domain.errors import JobDismissed, NotFound
from weaver_like.files.area import CHUNK_BYTES, OutputArea, StoredFile

#: More than two parts of an upload, and no multiple of anything.
LARGE = bytes(range(251)) * (20 * 2**20 // 251)


def go_on() -> None:
    """Nothing stops this job."""


def whole(file: StoredFile) -> bytes:
    return b"".join(file.chunks())


@pytest.fixture
def made(tmp_path: Path) -> "Made":
    return Made(tmp_path / "made")


class Made:
    """Files that a job has made."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __call__(self, content: bytes, name: str = "a.txt", below: str = "") -> Path:
        path = self.folder / below / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


class OutputAreaContract:
    """Each adapter has the fixture `area`, empty."""

    @pytest.mark.parametrize(
        "content", [b"", b"x", b"y" * CHUNK_BYTES, LARGE], ids=["empty", "small", "chunk", "large"]
    )
    def test_a_file_comes_back_as_it_was(self, area: OutputArea, made: Made, content: bytes) -> None:
        published = area.publish("job", "out", made(content, "a b.tif"), go_on)
        file = area.get(published.reference)
        assert published.size_bytes == file.size_bytes == len(content)
        assert whole(file) == content
        assert file.name == "a_b.tif"
        assert file.etag.startswith('"')
        assert file.etag.endswith('"')
        assert abs(datetime.now(UTC) - file.modified) < timedelta(minutes=5)

    def test_chunks_are_of_one_length_that_base64_can_be_cut_at(self, area: OutputArea, made: Made) -> None:
        file = area.get(area.publish("job", "out", made(LARGE), go_on).reference)
        lengths = [len(chunk) for chunk in file.chunks()]
        assert set(lengths[:-1]) == {CHUNK_BYTES}
        assert CHUNK_BYTES % 3 == 0
        assert b"".join(base64.b64encode(chunk) for chunk in file.chunks()) == base64.b64encode(LARGE)

    @pytest.mark.parametrize(
        ("first", "length"),
        [(0, 1), (5, 10), (0, CHUNK_BYTES + 1), (len(LARGE) - 1, 1), (1, None), (len(LARGE) // 2, CHUNK_BYTES * 2)],
    )
    def test_a_part_is_exactly_that_part(self, area: OutputArea, made: Made, first: int, length: int | None) -> None:
        file = area.get(area.publish("job", "out", made(LARGE), go_on).reference)
        end = None if length is None else first + length
        assert b"".join(file.chunks(first, length)) == LARGE[first:end]

    def test_a_file_is_brought_to_a_place_of_this_machine(self, area: OutputArea, made: Made, tmp_path: Path) -> None:
        reference = area.publish("job", "out", made(LARGE), go_on).reference
        assert area.bring(reference, tmp_path / "brought", go_on).size_bytes == len(LARGE)
        assert (tmp_path / "brought").read_bytes() == LARGE
        with pytest.raises(NotFound):
            area.bring("/job/out/b.txt", tmp_path / "other", go_on)
        assert whole(area.get(reference)) == LARGE

    def test_references_are_pseudo_relative(self, area: OutputArea, made: Made) -> None:
        """docs/results.rst: nothing of this machine, of a bucket or of a URL"""
        assert area.publish("job", "out", made(b"x"), go_on).reference == "/job/out/a.txt"

    def test_files_of_one_name_do_not_replace_each_other(self, area: OutputArea, made: Made) -> None:
        files = {
            area.publish("job", "out", made(content, below=content.decode()), go_on).reference: content
            for content in (b"1", b"2", b"3")
        }
        assert len(files) == 3
        assert all(whole(area.get(reference)) == content for reference, content in files.items())

    def test_one_file_may_be_two_outputs(self, area: OutputArea, made: Made) -> None:
        path = made(b"x")
        first, second = (area.publish("job", output, path, go_on).reference for output in ("one", "two"))
        area.discard(first)
        assert whole(area.get(second)) == b"x"

    @pytest.mark.parametrize(
        "name", ["é☃.txt", "a b?c#d%41.txt", "a+b.txt", "..hidden", "x" * 250, "-rf", "a\nb", "a&b=c"]
    )
    def test_any_name_is_kept_under_a_safe_one(self, area: OutputArea, made: Made, name: str) -> None:
        reference = area.publish("job", f"out {name[:10]}/../x", made(b"x", name), go_on).reference
        assert reference.count("/") == 3
        assert whole(area.get(reference)) == b"x"

    @pytest.mark.parametrize(
        "reference",
        [
            "",
            "/",
            "/job",
            "/job/out",
            "/job/out/",
            "/job/out/b.txt",
            "/job/out/a.txt/x",
            "/job//a.txt",
            "//job/out/a.txt/",
            "/job/out/../out/a.txt/..",
            "/..",
            "/../job",
            "/job/../../etc/passwd",
            "/etc/passwd",
            "/job/out/a\0",
            "/" + "a" * 3000,
            "/" + "a/" * 3000,
            "/job/out/a.txt?x",
            "/job/out/A.TXT",
            "/./job/out/../../..",
            "job/out/a.txt",
            "//job/out/a.txt",
            "/job/out/.a.txt",
        ],
    )
    def test_what_is_no_file_of_the_area_is_not_found(self, area: OutputArea, made: Made, reference: str) -> None:
        area.publish("job", "out", made(b"x"), go_on)
        with pytest.raises(NotFound):
            area.get(reference)

    def test_the_etag_is_that_of_the_content(self, area: OutputArea, made: Made) -> None:
        """RFC 9110 section 8.8.3: another content never has the same one"""
        references = [
            area.publish("job", "out", made(content, below=str(len(content))), go_on).reference
            for content in (b"x", b"yy")
        ]
        first, second = (area.get(reference).etag for reference in references)
        assert first != second
        assert area.get(references[0]).etag == first

    def test_a_file_may_be_discarded_twice(self, area: OutputArea, made: Made) -> None:
        gone, kept = (area.publish("job", "out", made(b"x", name), go_on).reference for name in ("a", "b"))
        area.discard(gone)
        area.discard(gone)
        with pytest.raises(NotFound):
            area.get(gone)
        assert whole(area.get(kept)) == b"x"

    def test_removing_a_job_removes_its_files_and_no_others(self, area: OutputArea, made: Made) -> None:
        """A job's id may be the beginning of another's."""
        references = [
            area.publish(job, output, made(b"x"), go_on).reference
            for job in ("job", "job2", "jo")
            for output in ("one", "two")
        ]
        area.remove("job")
        area.remove("job")
        for reference in references[:2]:
            with pytest.raises(NotFound):
                area.get(reference)
        assert all(whole(area.get(reference)) == b"x" for reference in references[2:])

    def test_it_says_that_it_is_well(self, area: OutputArea) -> None:
        assert area.trouble() is None

    def test_many_may_publish_at_once(self, area: OutputArea, made: Made) -> None:
        paths = [made(str(number).encode(), below=str(number)) for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            published = list(pool.map(lambda path: area.publish(f"job-{path.parent.name}", "out", path, go_on), paths))
        assert [whole(area.get(one.reference)) for one in published] == [path.read_bytes() for path in paths]


class CopyingAreaContract(OutputAreaContract):
    """Of areas that files are copied into: that takes its time. `leftovers` gives what is in the area, whole or not."""

    def test_nobody_sees_half_a_file_and_a_dismissed_job_leaves_none(self, area: OutputArea, made: Made) -> None:
        """Machines that share an area read while others write."""
        calls = []

        def dismissed() -> None:
            calls.append(len(calls))
            with pytest.raises(NotFound):
                area.get("/job/out/a.txt")
            if len(calls) > 1:
                raise JobDismissed

        with pytest.raises(JobDismissed):
            area.publish("job", "out", made(LARGE * 4), dismissed)
        assert self.leftovers() == []
