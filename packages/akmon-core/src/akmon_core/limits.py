"""Every cap in one place: how long, how many, how large. Bytes are bytes, seconds are seconds."""

from __future__ import annotations

import msgspec

MAX_STEPS = 25
"""Model calls in one turn before it ends with outcome ``limit``."""
MAX_CONTINUATIONS = 3
"""Times a reply that was cut by the output limit is asked to go on."""
PARALLEL_CALLS = 8
"""Read-only calls that run at the same time."""

READ_LINES = 2_000
READ_BYTES = 50_000
LINE_CHARS = 2_000
LINE_ROWS = 4
"""Rows of ``LINE_CHARS`` that a longer line is folded into, before the rest is left out."""
CELL_OUTPUT_BYTES = 2_000
"""Shown of what came of one cell of a notebook."""
NOTEBOOK_IMAGES = 4
COMMAND_READ_CHARS = 65_536
"""Of a command line that is read for what it runs, in up to half a second; a longer one is asked about."""
WRITE_BYTES = 10_000_000
EDITABLE_BYTES = 10_000_000
SEARCH_MATCHES = 200
SEARCH_GATHERED = 20_000
"""Lines or files that match after which a search is ended, as far fewer can be shown."""
SEARCH_GATHERED_BYTES = 20_000_000
SEARCH_FILE_BYTES = 50_000_000
"""Looked at of one file where ripgrep is missing."""
SEARCH_FILE_SECONDS = 4.0
"""For one file, where ripgrep is missing, whose patterns cannot take for ever."""
SEARCH_GLOBS = 1_000
"""Alternatives of one glob, where ripgrep is missing."""
CONTEXT_LINES = 20
"""Around each line that matches."""
SEARCH_COLUMNS = 300
"""Bytes shown of a line that matches."""
SEARCH_SECONDS = 30.0
LIST_ENTRIES = 500
IGNORE_FILE_BYTES = 200_000
"""Read of one file that says what is ignored."""
SHELL_OUTPUT_BYTES = 30_000
SHELL_SECONDS = 60.0
"""A command that takes longer, and has no timeout of its own, goes on in the background."""
SHELL_TIMEOUT_MAX = 600.0
SHELL_JOBS = 20
"""Commands in the background at the same time."""
SHELL_COMMAND_CHARS = 1_000_000
SHELL_VARIABLE_BYTES = 100_000
"""One variable that is carried to later commands; Linux starts no program with one of 131,072."""
SHELL_ENVIRONMENT_BYTES = 1_000_000
"""All of them; Linux starts no program with more than about 2,000,000."""
COMMAND_FOLDERS = 64
"""Folders that one command line may be in, as far as its words say; one with more is asked about."""
WRAPPER_DEPTH = 8
"""Programs that run each other, as in ``nice bash -c 'time make'``; deeper is asked about."""
NAME_CHARS = 255
"""A longer name is no file's, on any common file system."""
SECRETS_ENTRIES = 20_000
"""Files and folders looked at for secrets before a command reads all below a folder without a question."""
WITHHELD_ENTRIES = 200_000
"""Files and folders looked at for those that rules deny reading, when a session begins: 0.3 s."""
WITHHELD_PLACES = 200
"""Files and folders inside a project that the sandbox hides from each command, for 0.3 ms each."""
JOB_WAIT_MAX = 600.0
SANDBOX_FILE_BYTES = 10 * 2**30
"""One file that a sandboxed command writes: more than builds make, less than fills most disks."""
SANDBOX_TEMPORARY_BYTES = 2**30
"""What such a command may keep in memory as files in ``/var/tmp``."""
SANDBOX_OOM_SCORE = 500
"""Of 1,000: when memory runs out, Linux ends such commands before akmon and most other programs."""
SANDBOX_FOLDERS = 2_000
"""Folders of a project in which protected files are looked for, from the top: some milliseconds."""
SANDBOX_PROTECTED = 1_000
"""Protected files that are looked after."""
SANDBOX_BINDS = 40
"""How many of these are made read-only one by one, 0.1 ms each; the rest is put back afterwards."""
SANDBOX_KEPT_BYTES = 20_000_000
"""Kept of the content of protected files, to put them back."""
SANDBOX_TEST_SECONDS = 10.0
"""How long a trial of a sandbox may take."""
OUTPUT_FILE_BYTES = 100_000_000
"""Kept of the output of one command, in a file."""
OUTPUTS_BYTES = 500_000_000
"""Kept of all outputs of a session; the oldest go first."""
DIFF_LINES = 400
DIFF_SHOWN_LINES = 40
"""Of a diff in the conversation; the whole of it can be looked at."""
DIFF_WORDS = 160
"""Words of two lines together above which it is not looked for those that differ."""
PROMPT_SHOWN_LINES = 20
"""Of what a person said, in the conversation."""
OUTPUT_SHOWN_LINES = 5
"""Of the end of a call's output, in the conversation."""
COMMAND_SHOWN_LINES = 20
"""The same of a command line of the person's own."""
VIEW_SHOWN_LINES = 60
"""Of other text that a finished call has for people, in the conversation."""
EDITS = 100
"""Replacements in one call."""
PATCH_FILES = 200
PATCH_BYTES = 2_000_000
PATCHED_BYTES = 100_000_000
"""The files that a patch touches, before and after it, all together."""
SIMILAR = 0.85
"""Share of the characters that must agree where text is not in a file exactly as given."""
SIMILAR_MARGIN = 0.1
"""How much less similar everything else must be."""
SIMILAR_CHARS = 20
"""A shorter text is never looked for by similarity; blanks do not count."""
SIMILAR_LINES = 300
"""Nor one of more lines."""
SIMILAR_PLACES = 1_000
"""A line that a file has more often is no hint where something is."""
IMAGE_BYTES = 5_000_000
"""An image that a model is shown, as base64; the providers' common limit."""
IMAGE_PIXELS = 8_000
"""Of its longer side."""
FETCH_BYTES = 10_000_000
FETCH_SECONDS = 30.0
FETCH_REDIRECTS = 5
FETCH_CACHE_SECONDS = 900.0
FETCH_CACHE_BYTES = 20_000_000
"""Kept of fetched pages in memory; the oldest go first."""
FETCH_ERROR_CHARS = 500
"""Shown of the page that comes with an error."""
URL_CHARS = 4_000
HTML_CHARS = 2_000_000
"""Of one page, as making text of it takes some seconds for each million."""
PAGE_MEMORY_BYTES = 1_000_000_000
"""What making text of a page may take."""
PDF_PAGES = 200
PROXY_CONNECTIONS = 256
"""Of all commands to the network at the same time."""
PROXY_HEAD_BYTES = 65_536
PROXY_HEAD_SECONDS = 30.0
"""Until a command has said whom it wants to reach."""
PROXY_IDLE_SECONDS = 600.0
"""Silence in both directions after which a connection of a command is closed."""
PROXY_HOSTS = 200
"""Hosts whose traffic is counted apart."""
REFUSED_HOSTS = 20
"""Hosts that a model is told of which a command was not let to."""
WEB_HITS = 10
QUERY_CHARS = 400
"""A question to a search engine."""
SNIPPET_CHARS = 500
"""Shown of one answer of a search engine."""

SNAPSHOT_BYTES = 2**30
"""Kept of all earlier states of a project's files, as stored, if nothing else is set; the oldest go first."""
SNAPSHOT_BYTES_MIN = 10_000_000
"""Less would not hold a single large file."""
SNAPSHOT_FILE_BYTES = 2_000_000
"""A larger file is kept when a tool changes it, but not looked after around commands."""
SNAPSHOT_FILES = 50_000
"""Files of a project that are looked after around commands."""
SNAPSHOT_TREE_BYTES = 500_000_000
"""The same, all of them together."""
GIT_SECONDS = 60.0
"""One step of a commit."""
GIT_LOCK_SECONDS = 2.0
"""Waiting for another git that is at work in the repository."""
MARK_CHARS = 500
"""Of a prompt, in the list of places to go back to."""
TODOS = 50
TODO_CHARS = 200
QUESTION_CHARS = 2_000
OPTIONS = 6
"""Answers to choose from."""
TITLE_CHARS = 100
"""The title of a note or of a piece of work."""
TASK_CHARS = 20_000
NOTE_BYTES = 10_000
NOTES = 100
"""Notes in one folder."""
NOTES_FOUND = 10
NOTE_LINES = 5
"""Lines shown of a note that was found."""
NOTE_INDEX_BYTES = 1_000

SECRET_CHARS_MIN = 8
"""A shorter key may be a word, and is not looked for in texts."""
SECRET_CHARS = 8_192
"""The longest secret that is found where output has no line ends."""
REDACTED_AT_ONCE = 65_536
"""Bytes of a line of output that are held back, as a secret may go on."""

EVENT_BYTES = 8_000_000
"""One server-sent event; a larger one is a broken stream."""
STREAM_BYTES = 64_000_000
"""One reply on the wire; a larger one is a broken stream."""
ERROR_CHARS = 2_000
"""What is kept of a server's error text."""

CONNECT_SECONDS = 10.0
FIRST_TOKEN_SECONDS = 120.0
"""Silence before the first byte of a reply after which the call counts as failed."""
LOCAL_FIRST_TOKEN_SECONDS = 600.0
"""The same for a model on one's own machine, which may have to be loaded first."""
IDLE_SECONDS = 120.0
"""Silence on an open stream after which it counts as broken."""
RETRIES = 5
RETRY_MIN_SECONDS = 1.0
RETRY_MAX_SECONDS = 60.0
FALLBACK_FAILURES = 3
"""Failures in a row of one call after which the fallback model takes over."""
CACHE_BREAK_TOKENS = 4_096
"""A prompt that is shorter than this is not worth a notice when it was read anew."""

COMPACT_AT = 0.85
"""Share of the usable window at which the conversation is shortened."""
FULL_AT = 0.95
"""Share of the usable window that an unshortened prompt may have: its length is partly estimated."""
COMPACTED_SHARE = 0.5
"""Share of the usable window that a shortened conversation may take."""
CROWDED_SHARE = 0.7
"""The same where that would take cutting what was said last beyond use."""
KEPT_SHARE = 0.2
"""Share of the usable window, and of the history, that stays verbatim at the end of a shortened one."""
SUMMARISED_SHARE = 0.1
"""Share of the usable window that must be left out for a summary to be made without being asked for."""
SAID_SHARE = 0.125
"""The same of what the user said before that."""
RESULT_SHARE = 0.25
"""The same of one result when it enters the conversation."""
SMALL_WINDOW = 16_384
"""Tokens up to which a model gets few tools and a short prompt, and its history no summary."""
SMALL_KEPT_MESSAGES = 6
INTACT_MESSAGES = 20
"""Messages at the end of the conversation whose results are not cleared."""
INTACT_MESSAGES_GROQ = 12
CLEAR_CHARS = 500
"""A shorter result of a command is never cleared."""
CACHE_SECONDS = 300.0
"""How long a provider keeps a prompt that is not used."""
REPEATS_NOTED = 3
"""Times that the same calls bring the same results, before the model is told."""
REPEATS_STOPPED = 5
FAILURES_NOTED = 5
"""Failures of one kind in a row, before the model is told."""
FAILURES_STOPPED = 8
OVERFLOWS = 3
"""Times in one turn that a provider may refuse a prompt as too long before the turn fails."""
SUMMARIES = 2
"""Times in a row that the model may fail to write a summary before it is no longer asked in that turn."""
PIN_CHARS = 20_000
HANDOFF_CHARS = 2_000
AGENT_STEPS = 15
"""Model calls of a sub-agent."""
AGENT_ANSWER_CHARS = 20_000
SESSION_NAME_CHARS = 100
INBOX_COMMANDS = 256
SUBSCRIBER_EVENTS = 1_024
"""Events kept for a slow reader before it is made to catch up from the journal."""
STDIN_BYTES = 1_000_000
PROMPT_FILE_BYTES = 10_000_000
SETTINGS_BYTES = 100_000
"""One settings file."""
RULE_MESSAGE_CHARS = 1_000
"""What a rule tells the model."""
PROJECT_POLICIES = 50
"""Policy files of one project."""
TRUST_FILES = 200
"""Files that one project's trust depends on; a project with more cannot be trusted."""
TRUST_FILE_BYTES = 10_000_000
"""One of them."""
TRUST_STORE_BYTES = 20_000_000
"""The answers about all folders."""
KEY_COMMAND_SECONDS = 30.0
"""How long a command may take to print a key."""

INSTRUCTION_BYTES = 40_000
"""One instruction file; the rest of a larger one is left out."""
INSTRUCTIONS_BYTES = 100_000
"""All instruction files that are loaded at the start, and again all that are loaded later."""
INSTRUCTION_FILES = 50
"""Instruction files with what they include, at the start, and again for each folder later."""
INCLUDE_DEPTH = 5
"""How far a file may be from the instruction file that leads to it."""
INCLUDES = 200
"""Words of one file that are looked at as the path of a file to include."""
INSTRUCTION_WARNINGS = 20
MANIFEST_BYTES = 256 * 1024
"""Read of one file that says how a project is built."""
DETECT_FOLDERS = 200
"""Folders that are looked into to find out what a project is written in."""
DETECT_ENTRIES = 20_000
IMPORT_BYTES = 50 * 1024
"""One file of another tool; the rest of a larger one is left out."""
IMPORT_FILES = 200
IMPORT_FOLDERS = 400
REWRITTEN_LINES = 200
"""Lines of instructions that a model may write in place of imported ones."""
AUDIT_ARGUMENT_CHARS = 1_000
"""Of a call's arguments, in an audit record; the journal has them whole."""
AUDIT_SUMMARY_CHARS = 300
AUDIT_DESCRIPTION_CHARS = 500

HIGHLIGHT_CHARS = 500_000
"""Of one text of code that is shown in colours; the rest is plain."""
HIGHLIGHT_LINE_CHARS = 1_000
"""A longer line of code is plain."""
MARKDOWN_LINE_CHARS = 2_000
"""A longer line of prose is a paragraph, or goes on with one, whatever it begins like."""
MARKDOWN_PARAGRAPH_CHARS = 1_000
"""Of a paragraph that are waited for before the lines so far are final."""
MARKDOWN_MARKS = 250
"""Stars, brackets and the like in one part of a paragraph; one with more is shown as it was written."""
MARKDOWN_NESTING = 16
"""Quotes and list items within each other; a deeper one is text."""
MARKDOWN_TABLE_ROWS = 30
"""Rows of a table that decide how wide its columns are."""
MARKDOWN_REFERENCES = 1_000
"""Addresses of one text that links may name."""

WINDOW_TITLE_CHARS = 80
NOTICE_CHARS = 200
"""Of a notification outside the terminal's window."""
LINK_CHARS = 2_000
"""The longest address that can be clicked; VTE ignores those above 2,083."""
CLIPBOARD_BYTES = 74_994
"""Copied through the terminal: as base64 no more than the 100,000 bytes that xterm, tmux and others take."""

ANSWER_QUIET_SECONDS = 0.5
"""Without a key, after which keys answer a question: what is typed sooner may be meant for something else."""
FUZZY_SCORED = 500
"""Paths that are looked at closely for each key of a query: 2 ms."""
FUZZY_CHARS = 200
"""Of such a query."""
FIELD_CHARS = 20_000
"""Of a line that is typed into a dialog."""
FOLDED_LINES = 8
"""Lines of a paste up to which it is shown in the composer as it is."""
FOLDED_CHARS = 800
"""The same in characters."""
PASTE_CHARS = 10_000_000
"""Of one paste."""
HISTORY_CHARS = 20_000
"""Of one prompt, in the history: of a longer one, long pastes are kept by their size only."""
HISTORY_BYTES = 20_000_000
"""Read of the history, from its end."""

COMPLETED_FILES = 100_000
"""Files of a project that can be completed by name."""
COMPLETED_CHARS = 1_000
"""Before the cursor, that are looked at for something to complete."""
COMPLETIONS = 50
"""Files that are offered at the same time."""
COMMAND_FILES = 200
"""Slash commands of the person's own in one folder."""
COMMAND_FILE_BYTES = 65_536
"""Of one of them."""
DIFF_CHARS = 1_000_000
"""Shown of what differs from the last commit."""
CLIPBOARD_SECONDS = 5.0
"""How long a program may take to give the picture in the clipboard."""
PREVIEW_CHARS = 2_000
"""Shown of one message where a session is looked into before it is resumed."""
CALLS_LISTED = 50
"""Model calls that a list of costs names; the rest is in its sum."""

MCP_CONNECT_SECONDS = 30.0
"""Until a server has answered to being connected and has listed what it offers. A package runner may have to
fetch the server first."""
MCP_CALL_SECONDS = 120.0
"""Without a result or a sign of progress."""
MCP_TOTAL_SECONDS = 1_800.0
"""Of one call, whatever progress it reports."""
MCP_MESSAGE_BYTES = 16_000_000
"""Of one message of a server."""
MCP_LOG_BYTES = 1_000_000
"""Kept of what a server prints on standard error."""
MCP_CONFIG_BYTES = 1_000_000
"""One file that says which servers there are."""
MCP_APPROVED_BYTES = 20_000_000
"""What is kept of one server's tools as a person has accepted them."""
MCP_APPROVED = 500
"""Servers of which that is kept; those that were not used for the longest time go first."""
MCP_HTTP_SECONDS = 30.0
"""For one request about a login, and for a server to take in a message."""
MCP_LOGIN_SECONDS = 600.0
"""For a person to log in with the browser."""
MCP_CREDENTIALS_BYTES = 1_000_000
"""All that servers gave to log in with, where there is no keyring."""
MCP_TOOLS = 1_000
"""Of one server. More are left out, and said to be."""
MCP_SAID_CHARS = 2_000_000
"""Of what all tools of one server say, as JSON: it is written down and compared while everything waits."""
MCP_DIFF_LINES = 20_000
"""Of changed tools of one server that are compared line by line; the rest is shown whole."""
MCP_LISTED = 1_000
"""Prompts and resources of one server each."""
MCP_PAGES = 100
"""In which a server lists them."""
MCP_DESCRIPTION_CHARS = 2_048
"""Of what a tool says of itself."""
MCP_SCHEMA_CHARS = 30_000
"""Of the schema of its arguments, as JSON. One that is larger is replaced by one that takes any object."""
MCP_SCHEMA_DEPTH = 10
"""Of values within values that a model is told of; what lies deeper is only named."""
MCP_SCHEMA_PARTS = 1_500
"""Of one schema that are looked at, references followed: a small text can mean a huge one."""
MCP_CANONICAL_CHARS = 50_000
"""Of each thing that a tool says of itself, kept word for word to compare; the rest counts by its hash."""
MCP_TOOL_NAME_CHARS = 64
"""Of the name by which a model calls it: what Anthropic, OpenAI and Bedrock take."""
MCP_SHARE = 0.1
"""Of what a prompt may have: what the descriptions of servers' tools may take before they are offered by
need."""
MCP_OFFERED = 100
"""Tools of servers that are offered at the same time: OpenAI takes 128 tools in all."""
MCP_FOUND = 8
"""Tools that a search of theirs gives."""
MCP_PROGRESS_SECONDS = 0.2
"""Between two lines of progress that are shown."""
MCP_PROGRESS_CHARS = 200
MCP_FIELDS = 20
"""That a server may ask a person to fill in at once."""
MCP_RESULT_CHARS = 50_000
"""Of a result's text; all of a longer one is kept as an output."""
MCP_IMAGES = 8
"""Pictures of one result."""
ATTACHED_RESOURCES = 20
"""Of servers, that one prompt can name."""
MCP_RESTARTS = 5
"""Times in a row that a server that ended is started again, after 1, 2, 4, 8, 16 seconds."""
MCP_STEADY_SECONDS = 60.0
"""After which a server counts as one that works, so that its restarts are counted anew."""
SERVERS_QUIET_SECONDS = 0.2
"""Before the screen asks what is new of servers, as changes come in bursts."""
MCP_STOP_SECONDS = 2.0
"""That a server has to end by itself when its input is closed, as the protocol wants, before it is killed."""
MCP_GARBAGE_LINES = 100
"""In a row on a server's output that are no message of the protocol, before it counts as no server."""
MCP_REQUESTS = 100
"""Of a server to us that wait for an answer. One that asks more does not read what it is told."""
MCP_QUESTIONS = 10
"""That a server may put to the person during one call."""
MCP_RELIST_SECONDS = 1.0
"""Between two times that a server is asked what it offers, however often it says that this has changed."""
MCP_RELIST_SHARE = 0.1
"""Of akmon's time that this may take for one server: of what takes longer, the next time is later."""
MCP_LEFT_OUT = 20
"""Things of a server that were not taken, and that are named one by one."""
MCP_NAME_CHARS = 256
"""Of the name of a tool, prompt or resource as its server gives it. The protocol advises 128."""
MCP_URI_CHARS = 4_096
"""Of the address of a resource."""
MCP_ERROR_CHARS = 2_000
"""Of what a server says when it refuses a call."""
MCP_LOG_BURST_BYTES = 200_000
"""Taken of what a server prints on standard error within ``MCP_LOG_SECONDS``; of more the newest part."""
MCP_LOG_SECONDS = 0.2
"""Between two times that the log is written."""
RULED_FOLDERS = 20_000
"""For which it is kept what rules about reading have to do with them."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn may use up before it stops by itself."""

    max_steps: int = MAX_STEPS
    max_continuations: int = MAX_CONTINUATIONS
    max_tokens: int | None = None
    """Cap on the tokens of all of the session's calls, prompts and replies; None is no cap."""
    max_cost_usd: float | None = None
    """Spending cap in US dollars over all of the session's priced calls; None is no cap."""
    max_seconds: float | None = None
    """Wall time of one turn; None is no cap."""
    auto_compact: bool = True
    """Whether the conversation is shortened by itself when the window fills."""
    check_command: str = ""
    """What checks a change of the project, such as ``make test``: a turn that changed files and did not run
    it is reminded once. Empty is unknown."""
