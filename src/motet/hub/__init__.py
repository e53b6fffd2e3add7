"""Saving and loading of systems, in folders and on the Hugging Face Hub."""

from motet.hub.card import model_card as model_card
from motet.hub.load import load_system as load_system
from motet.hub.load import load_system_with_match as load_system_with_match
from motet.hub.load import save_pretrained as save_pretrained
from motet.hub.push import from_pretrained as from_pretrained
from motet.hub.push import push_to_hub as push_to_hub
