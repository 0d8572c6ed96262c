"""The log of one night: lines of text, one entry each."""

from pathlib import Path


class NightLog:
    """An append-only log file; entries are numbered from 1."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, observer: str, text: str) -> int:
        """Add an entry and return its number."""
        if "\n" in text or "\t" in text:
            raise ValueError("an entry is one line without tabs")
        number = len(self.entries()) + 1
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{number}\t{observer}\t{text}\n")
        return number

    def entries(self) -> list[tuple[int, str, str]]:
        """All entries: number, observer, text."""
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8").splitlines()
        rows = (line.split("\t") for line in lines)
        return [(int(number), observer, text) for number, observer, text in rows]

    def by(self, observer: str) -> list[str]:
        """What one observer wrote."""
        return [text for _, name, text in self.entries() if name == observer]
