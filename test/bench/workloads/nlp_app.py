"""Texts, with spaCy, NLTK and transformers, and nothing downloaded."""

import tempfile

import nltk
import spacy
import transformers
from checks import run, serve
from nltk.collocations import BigramCollocationFinder
from nltk.stem import PorterStemmer, SnowballStemmer
from nltk.tokenize import RegexpTokenizer, ToktokTokenizer, TreebankWordTokenizer, TweetTokenizer
from nltk.translate.bleu_score import sentence_bleu
from spacy.matcher import Matcher
from spacy.training import Example
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerFast

TEXT = "The cat sat on the mat. It wasn't there before, said Dr. Miller."


def tokenize():
    return [token.text for token in spacy.blank("en")(TEXT)]


def split_and_match():
    language = spacy.blank("en")
    language.add_pipe("sentencizer")
    matcher = Matcher(language.vocab)
    matcher.add("CAT", [[{"LOWER": "the"}, {"LOWER": "cat"}]])
    document = language(TEXT)
    assert len(list(document.sents)) >= 2
    assert len(matcher(document)) == 1


def speak_languages():
    for code in ("de", "fr", "es", "it", "pt", "nl", "pl", "ru", "sv", "tr", "ar", "fi", "xx"):
        assert len(spacy.blank(code)("Ein Satz mit Wörtern")) == 4


def train():
    language = spacy.blank("en")
    language.add_pipe("textcat").add_label("A")
    language.get_pipe("textcat").add_label("B")
    example = Example.from_dict(language.make_doc(TEXT), {"cats": {"A": 1, "B": 0}})
    optimizer = language.initialize(lambda: [example])
    language.update([example], sgd=optimizer)
    with tempfile.TemporaryDirectory() as directory:
        language.to_disk(directory)
        assert spacy.load(directory)(TEXT).cats.keys() == {"A", "B"}


def stem():
    for tokenizer in (
        RegexpTokenizer(r"\w+"),
        ToktokTokenizer(),
        TreebankWordTokenizer(),
        TweetTokenizer(),
    ):
        assert len(tokenizer.tokenize(TEXT)) > 8
    assert PorterStemmer().stem("running") == "run"
    assert SnowballStemmer("german").stem("Häuser") == "haus"


def count():
    words = TEXT.lower().split()
    assert nltk.FreqDist(words)["the"] == 2
    assert nltk.edit_distance("cat", "cart") == 1
    assert sentence_bleu([words], words) > 0.9
    assert BigramCollocationFinder.from_words(words).ngram_fd
    grammar = nltk.CFG.fromstring("S -> N V\nN -> 'cats'\nV -> 'sleep'")
    assert list(nltk.ChartParser(grammar).parse(["cats", "sleep"]))


def encode():
    fast = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    fast.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"]
    fast.train_from_iterator([TEXT], trainers.WordPieceTrainer(special_tokens=special))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=fast, pad_token="[PAD]")
    with tempfile.TemporaryDirectory() as directory:
        tokenizer.save_pretrained(directory)
        again = AutoTokenizer.from_pretrained(directory)
    assert again(TEXT)["input_ids"] == tokenizer(TEXT)["input_ids"]
    assert again.decode(again("cat")["input_ids"])


def configure():
    for name in ("bert", "gpt2", "t5", "llama", "vit", "whisper", "clip"):
        config = AutoConfig.for_model(name)
        with tempfile.TemporaryDirectory() as directory:
            config.save_pretrained(directory)
            assert type(AutoConfig.from_pretrained(directory)) is type(config)
    assert transformers.__version__


CHECKS = (tokenize, split_and_match, speak_languages, train, stem, count, encode, configure)
app = serve(CHECKS)

if __name__ == "__main__":
    run(CHECKS)
