from importlib.metadata import EntryPoint

import pytest

from quantumlayer.catalog.adapters import family, family_of
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.stores.folder import FolderBlobs

POINT = EntryPoint("folder", "quantumlayer.stores.folder:FolderBlobs", "quantumlayer.stores")


def test_built_ins_are_registered_as_a_strangers_would_be():
    assert family("stores").load("folder") is FolderBlobs
    assert "bubblewrap" in family("sandboxes").names


def test_two_of_one_name_are_refused():
    other = EntryPoint("folder", "elsewhere:Blobs", "quantumlayer.stores")
    with pytest.raises(EnvironmentError_, match="elsewhere:Blobs"):
        family_of("stores", (POINT, other))


def test_the_same_one_found_twice_is_no_clash():
    assert family_of("stores", (POINT, POINT)).names == ("folder",)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError) as caught:
        family_of("stores", (POINT,)).load("s3")
    assert "folder" in caught.value.hint


def test_one_that_cannot_be_imported_is_fatal():
    broken = EntryPoint("broken", "no_such_module_here:Blobs", "quantumlayer.stores")
    with pytest.raises(EnvironmentError_, match="no_such_module_here"):
        family_of("stores", (broken,)).load("broken")
