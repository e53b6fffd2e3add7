"""A saved folder, or a name on the Hub, to a system; and back."""

from motet.restore.card import model_card as model_card
from motet.restore.folder import restore as restore
from motet.restore.folder import restore_matched as restore_matched
from motet.restore.folder import save_pretrained as save_pretrained
from motet.restore.hub import from_pretrained as from_pretrained
from motet.restore.hub import push_to_hub as push_to_hub
