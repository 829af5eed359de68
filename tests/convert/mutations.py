"""Damages checkpoints in many ways and looks at what the conversion does with them.

    python tests/convert/mutations.py COUNT FILE...

Every mutant must be converted or refused by an `MGPError` of one line or a list; nothing may be
run, and nothing may take long.
"""

import io
import random
import signal
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from convert.conversion import Request, convert_bytes
from mgp_jax.errors import MGPError

FORBIDDEN = ("os.system", "subprocess.Popen", "exec", "import", "socket.connect")
LIMIT = 10  # seconds of computing for one file
NAMES = (
    *(b"ConvTranspose2d", b"BatchNorm2d", b"LeakyReLU", b"Sequential", b"Conv2d", b"Linear"),
    *(b"stride", b"padding", b"eps", b"_modules", b"_parameters", b"weight", b"bias", b"main"),
    *(b"running_mean", b"running_var", b"collections", b"OrderedDict", b"_rebuild_tensor_v2"),
)
CALLS = (b"cos\nsystem\n(X\x04\x00\x00\x00exittR", b"cbuiltins\neval\n(X\x01\x00\x00\x001tR")
OPTIONS = (
    ("strides", ("1,2,2,2", "2", "1024", "1,2")),
    ("paddings", ("0,1,1,3", "same", "1000", "0")),
    ("output_paddings", ("1", "-1,0,0,0")),
    ("activation", ("leaky_relu:0.2", "elu", "none", "gelu,gelu,gelu")),
    ("output", ("sigmoid", "none")),
    ("epsilon", ("0.8", "0")),
    ("norm", ("instance", "group:4", "group:99999", "batch", "none")),
    ("upsample", ("nearest", "bilinear", "nearest,nearest,nearest,nearest")),
    ("latent", ("uniform",)),
    ("order", ("activation_first",)),
    ("classes", ("2", "4", "1000000", "x")),
    ("label_join", ("label_first", "multiply")),
    ("label", ("0", "3", "9", "-1")),
    ("truncation", ("0.5", "1", "0", "2")),
    ("doubles", ("yes,no,yes,no", "yes")),
)


def damage(data: bytes, source: random.Random) -> bytes:
    """Returns bytes with a few changes."""
    changed = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 4))):
        if not changed:
            break
        place = source.randrange(len(changed))
        match source.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8)):
            case 0:
                changed[place] ^= 1 << source.randrange(8)
            case 1:
                changed[place] = source.randrange(256)
            case 2:
                del changed[place : place + source.randint(1, 40)]
            case 3:
                changed[place:place] = changed[place : place + source.randint(1, 200)]
            case 4:
                one, other = source.choice(NAMES), source.choice(NAMES)
                changed = bytearray(bytes(changed).replace(one, other, source.choice((1, 2, -1))))
            case 5:
                changed[place:place] = source.choice(CALLS)
            case 6:
                changed[place : place + 1] = source.choice(
                    (b"0", b"q\x00", b"}", b")", b"N", b"K\x07")
                )
            case 7:
                other = source.randrange(len(changed))
                changed[place : place + 8] = changed[other : other + 8]
            case 8:  # another small number, which leaves the pickle in order
                number = changed.find(b"K", place) + 1
                if 0 < number < len(changed):
                    changed[number] = source.choice((0, 1, 2, 3, 4, 5, 7, 8, 16, 255))
    return bytes(changed)


def mutant(data: bytes, source: random.Random) -> bytes:
    """Returns a mutated file; of a zip archive mostly the pickle inside is mutated."""
    if not zipfile.is_zipfile(io.BytesIO(data)) or source.random() < 0.15:
        cut = source.randrange(1, len(data)) if source.random() < 0.1 else len(data)
        return damage(data, source)[:cut]
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            is_program = member.filename.endswith("data.pkl")
            new.writestr(member.filename, damage(content, source) if is_program else content)
    return made.getvalue()


def convert_mutants(files: Sequence[Path], count: int, seed: int = 0) -> Counter[str]:
    """Converts `count` mutants and returns how many were converted and refused.

    Raises:
        AssertionError: a mutant ran something, took too long, or ended in another error.
    """
    source = random.Random(seed)
    contents = [(path.name, path.read_bytes()) for path in files]
    forbidden: list[str] = []
    watching = [False]

    def watch(event: str, details: tuple) -> None:
        # Python itself loads the codecs of rare opcodes.
        is_codec = event in ("import", "exec") and "encodings" in str(details[0])
        if watching[0] and event in FORBIDDEN and not is_codec:
            forbidden.append(f"{event} {details[0]!s:.100}")

    def too_long(*_: object) -> None:
        raise TimeoutError

    sys.addaudithook(watch)
    signal.signal(signal.SIGPROF, too_long)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        name, data = source.choice(contents)
        bad = mutant(data, source)
        chosen = source.sample(OPTIONS, source.choice((0, 0, 1, 2)))
        request = Request(options={option: source.choice(values) for option, values in chosen})
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LIMIT)
        # What is loaded on first use is loaded by the first files.
        watching[0] = number >= 50
        try:
            convert_bytes(bad, name, request)
            outcomes["converted"] += 1
        except MGPError as error:
            assert str(error).strip(), f"{name}, mutant {number}: an empty message"
            outcomes["refused"] += 1
        except TimeoutError:
            raise AssertionError(f"{name}, mutant {number}: took more than {LIMIT} s") from None
        except Exception as error:
            raise AssertionError(f"{name}, mutant {number}: {error!r}") from error
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            watching[0] = False
        slowest = max(slowest, time.process_time() - begin)
        assert not forbidden, f"{name}, mutant {number}: {forbidden}"
    outcomes["slowest in milliseconds"] = round(1000 * slowest)
    return outcomes


if __name__ == "__main__":
    print(convert_mutants([Path(name) for name in sys.argv[2:]], int(sys.argv[1])))
