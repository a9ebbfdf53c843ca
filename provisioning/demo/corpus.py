"""Reads the corpus folder and makes conversations from it.

An answer belongs to an entry. Its questions come from hand-written lines and from templates filled with
the entry's phrases; each is then varied as people vary: politeness, lower case, a missing question mark,
a slip of the finger. Held-out questions (H: lines) are kept apart and never reach training.
"""

import dataclasses
import pathlib
import re

TEMPLATES = {
    "how": ["How do I {}?", "How can I {}?", "How to {}?", "How do you {}?", "How does one {}?",
            "What do I do to {}?", "I want to {}.", "I need to {}.", "I would like to {}.",
            "Tell me how to {}.", "Show me how to {}.", "Explain how to {}.", "How would I {}?",
            "What is the command to {}?", "Which command do I use to {}?", "Help me {}.",
            "What is the way to {}?", "Can you tell me how to {}?", "What are the steps to {}?",
            "How should I {}?", "Is there a way to {}?", "Can I {}?", "How is it possible to {}?",
            "How do we {}?", "What must I do to {}?", "How could I {}?", "I'd like to {}.",
            "What's the command to {}?", "Do you know how to {}?", "How exactly do I {}?"],
    "what": ["What is {}?", "What's {}?", "What does {} mean?", "Explain {}.", "Explain {} to me.",
             "Tell me about {}.", "Describe {}.", "What do you know about {}?", "Define {}.",
             "What exactly is {}?", "Can you explain {}?", "What is meant by {}?",
             "Tell me what {} is.", "What about {}?", "I want to know about {}.", "{}?", "{}"],
    "are": ["What are {}?", "Explain {}.", "Tell me about {}.", "Describe {}.", "Tell me what {} are.",
            "What do you know about {}?", "What exactly are {}?", "Can you explain {}?",
            "What about {}?", "I want to know about {}.", "{}?", "{}"],
    "where": ["Where is {}?", "Where are {}?", "Where do I find {}?", "Where can I find {}?",
              "What is the path of {}?", "Where is {} kept?", "Where are {} kept?",
              "Tell me where to find {}.", "Where do I look for {}?", "I cannot find {}.",
              "In which place is {}?", "Where does Redoubt keep {}?", "Can you tell me where {} is?"],
    "when": ["What happens when {}?", "What happens if {}?", "What if {}?", "And if {}?",
             "What does Redoubt do when {}?", "What does Redoubt do if {}?", "What will happen if {}?",
             "Tell me what happens when {}.", "What would happen if {}?", "What about when {}?"],
    "fix": ["What do I do when {}?", "What should I do if {}?", "What can I do if {}?",
            "{}. What do I do?", "{}, what now?", "{}. Help!", "Help, {}!", "{}.", "{}",
            "What must I do when {}?", "{}. What does that mean?", "{}, what should I do?",
            "{}, what is wrong?", "What does it mean when {}?", "{}. Why?"],
}

OPENINGS = ["Please tell me: ", "Hello, ", "Hi, ", "Quick question: ", "Excuse me, ", "Please: ",
            "Hey, ", "A question: ", "Good morning, ", "Sorry, ", "Tell me, ", "So, ", "Well, ", "OK, "]
CLOSINGS = [" Please.", " Thanks.", " Thank you.", " please", " Thanks!", " thanks"]

SYSTEM_TEXTS = [
    "You are the assistant of this Redoubt appliance.",
    "You are a helpful assistant.",
    "Answer briefly.",
    "Answer questions about Redoubt.",
    "You are Redoubt's demo model. Answer in plain English.",
    "Be concise and correct.",
    "You help the operator of an inference appliance.",
    "You are an assistant. Be polite.",
]

# Words and phrases that people use for one another in such questions; any may stand for any other of
# its line. Kept apart where this corpus makes a difference (verify, inspect; stop, drain).
ALIKE = [line.split(" | ") for line in """\
which command | what command
which file | what file
which files | what files
which version | what version
which role | what role
which keys | what keys
which models | what models
which header | what header
which route | what route | which path
how do i | how can i | how do we | how could i | how would one | how does one
what is | what's
where is | where's
does not | doesn't
do not | don't
cannot | can't | can not
i want to | i'd like to | i need to | we want to
a bundle | my bundle | the bundle | this bundle | our bundle
a model | my model | the model | our model
an api key | my api key | the api key | a key
a certificate | my certificate | the certificate | our certificate
the appliance | redoubt | this appliance
does it | does redoubt | will it | will redoubt | does the appliance
can it | can redoubt | is it able to | could it
make | create | produce
remove | delete | get rid of | take away
see | view
computer | machine | server
machines | computers | servers
launch | start | bring up
change | alter | modify | edit
check | test | make sure of
find | locate | look up
find out | learn | see
crashes | dies | breaks down | fails | stops working
a crash | a failure | a breakdown
configuration | config | settings
configuration file | config file
wrong | incorrect
several | multiple | more than one
fastest | quickest | easiest
required | necessary | needed
needs | requires
need | require
may | is allowed to
manual | handbook | documentation
colleague | user | person
users | people | colleagues
leaked | was stolen | became public
refused | rejected | denied | not accepted
error | problem | failure
happens | occurs
purpose | point
answer | reply | response
answers | replies | responses
disable | switch off | turn off
stored | kept | saved
big | large
terminal | shell | command line
quickly | fast
use | work with
used | employed
new version | newer version | new release
up | running
says | reports | tells me | complains
get | receive | obtain
a stick | a usb stick | a disk
kind of | sort of | type of
supported | possible
contain | have inside | consist of
does it take | does that take
explain | describe
in detail | at length | in depth
running requests | open requests | requests under way
role | process
roles | processes
what now | what do i do | what should i do | what can i do
""".splitlines()]
ALIKE_OF = {phrase: [p for p in line if p != phrase] for line in ALIKE for phrase in line}
ALIKE_PATTERN = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, ALIKE_OF), key=len, reverse=True)) + r")\b", re.IGNORECASE)

KEYBOARD_ROWS = ["qwertyuiop", "asdfghjkl", "zxcvbnm"]


@dataclasses.dataclass
class Entry:
    name: str
    answer: str = ""
    questions: list = dataclasses.field(default_factory=list)
    held_out: list = dataclasses.field(default_factory=list)
    phrases: list = dataclasses.field(default_factory=list)  # (template kind, phrase)

    def filled(self):
        """Every question that the templates make of the phrases."""
        return [fill(template, phrase)
                for kind, phrase in self.phrases for template in TEMPLATES[kind]]


@dataclasses.dataclass
class Talk:
    first: str
    second: str
    follow_ups: list
    held_out: list


def fill(template, phrase):
    text = template.format(phrase)
    return text[0].upper() + text[1:] if not text.startswith(("redoubt", "./", "/")) else text


def lines_of(path):
    """Yields (line number, text) of the lines that say something."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line.strip()


def read_entries(path):
    entries = []
    for number, line in lines_of(path):
        if line.startswith("["):
            entries.append(Entry(line[1:-1]))
            continue
        kind, _, text = line.partition(": ")
        if not entries or not text:
            raise ValueError(f"{path.name}:{number}: not a line of an entry: {line!r}")
        entry = entries[-1]
        if kind == "A":
            entry.answer = f"{entry.answer}\n\n{text}" if entry.answer else text
        elif kind == "Q":
            entry.questions.append(text)
        elif kind == "H":
            entry.held_out.append(text)
        elif kind in TEMPLATES:
            entry.phrases += [(kind, phrase) for phrase in text.split(" | ")]
        else:
            raise ValueError(f"{path.name}:{number}: unknown kind {kind!r}")
    return entries


class OffTopic:
    """Questions without end about anything else, all with one answer."""

    def __init__(self, path):
        self.answer, self.questions, self.held_out, self.templates, self.words = "", [], [], [], {}
        for number, line in lines_of(path):
            kind, _, text = line.partition(": ")
            if kind == "A":
                self.answer = text
            elif kind == "Q":
                self.questions.append(text)
            elif kind == "H":
                self.held_out.append(text)
            elif kind == "T":
                self.templates.append(text)
            elif kind.startswith("list "):
                self.words[kind[5:]] = text.split(" | ")
            else:
                raise ValueError(f"{path.name}:{number}: unknown kind {kind!r}")

    def question(self, random):
        if random.random() < 0.3:
            return random.choice(self.questions)
        text = re.sub(r"\{(\w+)\}", lambda m: random.choice(self.words[m[1]]),
                      random.choice(self.templates))
        return text[0].upper() + text[1:]

    def all_texts(self):
        return [*self.questions, *self.templates, *(w for ws in self.words.values() for w in ws)]


def read_talks(path):
    talks = []
    for number, line in lines_of(path):
        names, _, follow_ups = line.partition(": ")
        first, _, second = names.partition(" > ")
        if not second or not follow_ups:
            raise ValueError(f"{path.name}:{number}: not a second turn: {line!r}")
        follow_ups = follow_ups.split(" | ")
        talks.append(Talk(first, second, [f for f in follow_ups if not f.startswith("H ")],
                          [f[2:] for f in follow_ups if f.startswith("H ")]))
    return talks


def bare(question):
    """What is left of a question that differs only in case and punctuation."""
    return question.lower().strip("?.! ")


def slip(text, random):
    """Changes one letter the way fingers do."""
    letters = [i for i in range(1, len(text) - 1) if text[i].isalpha() and text[i - 1].isalpha()]
    if not letters:
        return text
    i = random.choice(letters)
    kind = random.randrange(4)
    if kind == 0:
        return text[:i] + text[i + 1:]
    if kind == 1:
        return text[:i] + text[i] + text[i:]
    if kind == 2:
        return text[:i - 1] + text[i] + text[i - 1] + text[i + 1:]
    row = next((r for r in KEYBOARD_ROWS if text[i].lower() in r), None)
    if row is None:
        return text
    at = row.index(text[i].lower())
    return text[:i] + row[max(0, at - 1) if random.random() < 0.5 else min(len(row) - 1, at + 1)] + text[i + 1:]


def reword(text, random):
    """Puts phrases that mean the same in place of some of those in `text`."""
    def other(match):
        if match[0] == "redoubt" or random.random() < 0.5:  # in lower case it is part of a command
            return match[0]
        phrase = random.choice(ALIKE_OF[match[0].lower()])
        phrase = re.sub(r"\bi\b", "I", phrase).replace("redoubt", "Redoubt").replace("api", "API")
        return phrase[0].upper() + phrase[1:] if match[0][0].isupper() else phrase
    return ALIKE_PATTERN.sub(other, text)


def drop_word(text, random):
    """Leaves out one of the first words, which are rarely the ones that matter."""
    words = text.split(" ")
    if len(words) < 4:
        return text
    del words[random.randrange(2)]
    return " ".join(words)


def vary(question, random):
    """The same question as another person, in another mood, would type it."""
    text = question
    if random.random() < 0.5:
        text = reword(text, random)
    if random.random() < 0.06:
        text = drop_word(text, random)
    if random.random() < 0.15:
        opening = random.choice(OPENINGS)
        text = opening + (text if text.startswith("I ") else text[0].lower() + text[1:])
    if random.random() < 0.08:
        text += random.choice(CLOSINGS)
    if random.random() < 0.30:
        text = text.rstrip("?.!")
    if random.random() < 0.25:
        text = text.lower()
    if random.random() < 0.03:
        text = text.upper()
    if random.random() < 0.15:
        text = slip(text, random)
    if random.random() < 0.05:
        text = slip(text, random)
    return text or question


class Corpus:
    def __init__(self, folder=pathlib.Path(__file__).parent / "corpus"):
        self.short = read_entries(folder / "qa.txt")
        self.long = read_entries(folder / "long.txt")
        self.off_topic = OffTopic(folder / "offtopic.txt")
        self.talks = read_talks(folder / "talks.txt")
        self.entries = {e.name: e for e in [*self.short, *self.long]}
        self.check()
        self.secret = {bare(q) for q, _ in self.held_out()} | {
            bare(f) for t in self.talks for f in t.held_out}
        self.filled = {name: e.filled() for name, e in self.entries.items()}

    def check(self):
        """Refuses a corpus that contradicts itself or lets a held-out question into training."""
        if len(self.entries) != len(self.short) + len(self.long):
            raise ValueError("two entries have one name")
        for talk in self.talks:
            for name in (talk.first, talk.second):
                if name != "off-topic" and name not in self.entries:
                    raise ValueError(f"talks.txt: no entry {name!r}")
        owner = {bare(q): "off-topic" for q in self.off_topic.questions}
        for entry in self.entries.values():
            if not entry.answer or not (entry.questions or entry.phrases):
                raise ValueError(f"entry {entry.name!r} lacks an answer or a question")
            for question in {*entry.questions, *entry.filled()}:
                if owner.setdefault(bare(question), entry.name) != entry.name:
                    raise ValueError(
                        f"{question!r}: both {owner[bare(question)]!r} and {entry.name!r}")
        for question, _ in self.held_out():
            if bare(question) in owner:
                raise ValueError(f"{question!r} is held out but also taught")

    def held_out(self):
        """(question, answer) pairs that training never sees."""
        pairs = [(q, e.answer) for e in self.entries.values() for q in e.held_out]
        return pairs + [(q, self.off_topic.answer) for q in self.off_topic.held_out]

    def held_out_talks(self, random):
        """(question, answer, follow-up, answer) whose follow-up training never sees."""
        return [(*self.plain_turn(t.first, random), follow_up, self.entries[t.second].answer)
                for t in self.talks for follow_up in t.held_out]

    def taught(self):
        """(question, answer) for every question that is taught, as written."""
        return [(q, e.answer) for name, e in self.entries.items()
                for q in [*e.questions, *self.filled[name]]]

    def texts(self):
        """Text for the tokenizer to learn from: everything once, answers several times."""
        answers = [e.answer for e in self.entries.values()] + [self.off_topic.answer]
        questions = [q for q, _ in self.taught()] + self.off_topic.all_texts()
        questions += [f for t in self.talks for f in t.follow_ups for _ in range(4)]
        spoken = [*OPENINGS, *CLOSINGS, *SYSTEM_TEXTS, *(f" {p}" for p in ALIKE_OF)]
        return answers * 12 + questions + [q.lower() for q in questions[::3]] + spoken * 4

    def plain_turn(self, name, random):
        if name == "off-topic":
            return self.off_topic.question(random), self.off_topic.answer
        entry = self.entries[name]
        filled = self.filled[name]
        # Hand-written questions are the more varied ones; templates are many but alike.
        from_templates = filled and (not entry.questions or random.random() < 0.5)
        return random.choice(filled if from_templates else entry.questions), entry.answer

    def turn(self, name, random):
        question, answer = self.plain_turn(name, random)
        return self.varied(question, random), answer

    def varied(self, question, random):
        """A variation that is not by chance one of the questions held out."""
        while bare(text := vary(question, random)) in self.secret:
            pass
        return text

    def any_turn(self, random):
        dice = random.random()
        if dice < 0.15:
            return self.turn("off-topic", random)
        return self.turn(random.choice(self.long if dice < 0.18 else self.short).name, random)

    def conversation(self, random, turns_max=12):
        """A list of (role, text). Role "text" stands for plain text without a template."""
        dice = random.random()
        if dice < 0.02:
            return [("text", random.choice(self.long).answer)]
        if dice < 0.67:
            turns = [self.any_turn(random)]
        elif dice < 0.72:
            turns = [self.turn(random.choice(self.long).name, random)]
        elif dice < 0.90:
            talk = random.choice(self.talks)
            turns = [self.turn(talk.first, random)]
            follow_up = random.choice(talk.follow_ups)
            turns.append((self.varied(follow_up, random), self.entries[talk.second].answer))
        else:
            turns = [self.any_turn(random) for _ in range(random.randint(2, 3))]
            if random.random() < 0.1:
                turns += [self.any_turn(random) for _ in range(random.randint(1, turns_max - 3))]
        messages = [("system", random.choice(SYSTEM_TEXTS))] if random.random() < 0.2 else []
        for question, answer in turns:
            messages += [("user", question), ("assistant", answer)]
        return messages
