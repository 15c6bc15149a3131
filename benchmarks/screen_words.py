"""What the session of ``benchmarks.screen`` says."""

WORDS = (
    *("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "then", "goes", "home"),
    *("to", "sleep", "for", "a", "while", "until", "morning"),
)
