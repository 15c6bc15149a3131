"""What detection knows, as data: languages, package managers, commands and frameworks."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["install", "build", "test", "check", "lint", "types", "format"]

TASKS: dict[Kind, tuple[str, ...]] = {
    "install": ("setup", "bootstrap", "deps"),
    "build": ("build",),
    "test": ("test", "tests"),
    "check": ("check", "ci", "verify"),
    "lint": ("lint",),
    "types": ("typecheck", "type-check", "types"),
    "format": ("format", "fmt"),
}
"""What projects call the targets, recipes and scripts for each kind of command. ``make install`` is none
of them: it puts what was built into the system."""


class Rule(NamedTuple):
    """``value`` holds if one of ``files`` (globs between blanks) is there and has the pattern ``needle``."""

    value: str
    files: str
    needle: str = ""


class Command(NamedTuple):
    """A rule for a command of one ``kind``. ``{manager}`` and ``{run}`` stand for what other rules give."""

    kind: Kind
    value: str
    files: str
    needle: str = ""


class Ecosystem(NamedTuple):
    """Languages that are built alike."""

    name: str
    languages: tuple[str, ...]
    markers: str
    """The files at the root by which it is known, as globs."""
    managers: tuple[Rule, ...] = ()
    runs: tuple[Rule, ...] = ()
    """What goes before the name of a program."""
    commands: tuple[Command, ...] = ()
    frameworks: tuple[tuple[str, str], ...] = ()
    """Names, and that of the package."""
    listed: tuple[str, str] = ("", "")
    """The files that name packages, and the pattern by which they name ``{}``."""


_PY = "pyproject.toml setup.cfg setup.py requirements*.txt Pipfile tox.ini"
_PY_NAMED = r"""(?im)(?:^|["'])[ \t]*{}(?=[\s\[<>=~!;,"']|$)"""
_PYTHON = Ecosystem(
    "Python",
    ("Python",),
    "pyproject.toml setup.py setup.cfg requirements.txt Pipfile",
    managers=(
        Rule("uv", "uv.lock"),
        Rule("uv", "pyproject.toml", r"(?m)^\[tool\.uv\b"),
        Rule("poetry", "poetry.lock"),
        Rule("poetry", "pyproject.toml", r"(?m)^\[tool\.poetry\b"),
        Rule("pdm", "pdm.lock"),
        Rule("pipenv", "Pipfile"),
        Rule("hatch", "pyproject.toml", r"(?m)^\[tool\.hatch\.envs\b"),
        Rule("pip", _PY),
    ),
    runs=(
        Rule("uv run ", "uv.lock"),
        Rule("uv run ", "pyproject.toml", r"(?m)^\[tool\.uv\b"),
        Rule("poetry run ", "poetry.lock"),
        Rule("poetry run ", "pyproject.toml", r"(?m)^\[tool\.poetry\b"),
        Rule("pdm run ", "pdm.lock"),
        Rule("pipenv run ", "Pipfile"),
    ),
    commands=(
        Command("install", "uv sync", "uv.lock"),
        Command("install", "poetry install", "poetry.lock"),
        Command("install", "pdm install", "pdm.lock"),
        Command("install", "pipenv install --dev", "Pipfile"),
        Command("install", "pip install -r requirements.txt", "requirements.txt"),
        Command("test", "hatch test", "pyproject.toml", r"(?m)^\[tool\.hatch\.envs\.hatch-test\b"),
        Command("test", "{run}pytest", "pytest.ini conftest.py tests/conftest.py test/conftest.py"),
        Command("test", "{run}pytest", _PY, _PY_NAMED.format("pytest")),
        Command("test", "{run}pytest", "pyproject.toml setup.cfg tox.ini", r"(?m)^\[(?:tool[.:])?pytest\b"),
        Command("test", "tox", "tox.ini"),
        Command("test", "tox", "pyproject.toml", r"(?m)^\[tool\.tox\b"),
        Command("test", "nox", "noxfile.py"),
        Command("test", "{run}python manage.py test", "manage.py"),
        Command("test", "{run}python -m unittest", "test_*.py tests/test_*.py test/test_*.py"),
        Command("lint", "{run}ruff check", "ruff.toml .ruff.toml"),
        Command("lint", "{run}ruff check", "pyproject.toml", r"(?m)^\[tool\.ruff\b"),
        Command("lint", "{run}ruff check", _PY, _PY_NAMED.format("ruff")),
        Command("lint", "{run}flake8", ".flake8"),
        Command("lint", "{run}flake8", "setup.cfg tox.ini", r"(?m)^\[flake8\]"),
        Command("lint", "{run}pylint .", ".pylintrc pylintrc"),
        Command("types", "{run}mypy .", "mypy.ini .mypy.ini"),
        Command("types", "{run}mypy .", "pyproject.toml setup.cfg", r"(?m)^\[(?:tool\.)?mypy\]"),
        Command("types", "{run}pyright", "pyrightconfig.json"),
        Command("types", "{run}pyright", "pyproject.toml", r"(?m)^\[tool\.pyright\]"),
        Command("format", "{run}ruff format", "ruff.toml .ruff.toml"),
        Command("format", "{run}black .", "pyproject.toml", r"(?m)^\[tool\.black\]"),
        Command("format", "{run}ruff format", "pyproject.toml", r"(?m)^\[tool\.ruff\b"),
    ),
    frameworks=(
        *(("FastAPI", "fastapi"), ("Django", "django"), ("Flask", "flask"), ("Starlette", "starlette")),
        *(("pydantic", "pydantic"), ("SQLAlchemy", "sqlalchemy"), ("Celery", "celery"), ("NumPy", "numpy")),
        *(("pandas", "pandas"), ("Polars", "polars"), ("PyTorch", "torch"), ("TensorFlow", "tensorflow")),
        *(
            ("LangChain", "langchain"),
            ("Scrapy", "scrapy"),
            ("Airflow", "apache-airflow"),
            ("dbt", "dbt-core"),
        ),
        *(("Click", "click"), ("Typer", "typer"), ("Streamlit", "streamlit"), ("Textual", "textual")),
    ),
    listed=(_PY, _PY_NAMED),
)

_NODE = Ecosystem(
    "Node",
    ("JavaScript", "TypeScript"),
    "package.json",
    managers=(
        Rule("bun", "bun.lock bun.lockb"),
        Rule("pnpm", "pnpm-lock.yaml pnpm-workspace.yaml"),
        Rule("yarn", "yarn.lock"),
        Rule("npm", "package-lock.json npm-shrinkwrap.json"),
        Rule("pnpm", "package.json", r'"packageManager"\s*:\s*"pnpm@'),
        Rule("yarn", "package.json", r'"packageManager"\s*:\s*"yarn@'),
        Rule("bun", "package.json", r'"packageManager"\s*:\s*"bun@'),
        Rule("npm", "package.json"),
    ),
    commands=(
        Command("install", "{manager} install", "package.json"),
        Command("types", "npx tsc --noEmit", "tsconfig.json"),
    ),
    frameworks=(
        *(("Next.js", "next"), ("React", "react"), ("React Native", "react-native"), ("Vue", "vue")),
        *(("Nuxt", "nuxt"), ("Svelte", "svelte"), ("Angular", "@angular/core"), ("Astro", "astro")),
        *(("NestJS", "@nestjs/core"), ("Express", "express"), ("Fastify", "fastify"), ("Hono", "hono")),
        *(("Prisma", "prisma"), ("Drizzle", "drizzle-orm"), ("tRPC", "@trpc/server"), ("Vite", "vite")),
        *(
            ("Vitest", "vitest"),
            ("Jest", "jest"),
            ("Playwright", "@playwright/test"),
            ("Electron", "electron"),
        ),
        *(("Tailwind CSS", "tailwindcss"), ("GraphQL", "graphql"), ("Remix", "@remix-run/react")),
    ),
    listed=("package.json", r'"{}"\s*:'),
)

_RUST = Ecosystem(
    "Rust",
    ("Rust",),
    "Cargo.toml",
    managers=(Rule("cargo", "Cargo.toml"),),
    commands=(
        Command("build", "cargo build", "Cargo.toml"),
        Command("test", "cargo test", "Cargo.toml"),
        Command("lint", "cargo clippy", "Cargo.toml"),
        Command("format", "cargo fmt", "Cargo.toml"),
    ),
    frameworks=(
        *(
            ("Axum", "axum"),
            ("Actix", "actix-web"),
            ("Rocket", "rocket"),
            ("Tokio", "tokio"),
            ("clap", "clap"),
        ),
        *(
            ("Ratatui", "ratatui"),
            ("SQLx", "sqlx"),
            ("Diesel", "diesel"),
            ("Serde", "serde"),
            ("Tauri", "tauri"),
        ),
        *(("Bevy", "bevy"), ("Leptos", "leptos"), ("tonic", "tonic")),
    ),
    listed=("Cargo.toml", r"(?m)^(?:\[[\w.-]*dependencies\.)?{}(?:\s*=|\.|\])"),
)

_GO = Ecosystem(
    "Go",
    ("Go",),
    "go.mod",
    managers=(Rule("go modules", "go.mod"),),
    commands=(
        Command("build", "go build ./...", "go.mod"),
        Command("test", "go test ./...", "go.mod"),
        Command("lint", "golangci-lint run", ".golangci.yml .golangci.yaml .golangci.toml"),
        Command("lint", "go vet ./...", "go.mod"),
        Command("format", "gofmt -w .", "go.mod"),
    ),
    frameworks=(
        *(("Gin", "github.com/gin-gonic/gin"), ("Echo", "github.com/labstack/echo")),
        *(("chi", "github.com/go-chi/chi"), ("Fiber", "github.com/gofiber/fiber")),
        *(("Cobra", "github.com/spf13/cobra"), ("GORM", "gorm.io/gorm"), ("gRPC", "google.golang.org/grpc")),
        *(("Bubble Tea", "github.com/charmbracelet/bubbletea"), ("testify", "github.com/stretchr/testify")),
    ),
    listed=("go.mod", r"(?m)\b{}(?:/v\d+)?\s+v"),
)

_GRADLE = "build.gradle build.gradle.kts settings.gradle settings.gradle.kts"
_JVM = Ecosystem(
    "JVM",
    ("Java", "Kotlin", "Scala"),
    f"pom.xml {_GRADLE} build.sbt",
    managers=(Rule("Gradle", _GRADLE), Rule("Maven", "pom.xml"), Rule("sbt", "build.sbt")),
    runs=(
        Rule("./gradlew", "gradlew"),
        Rule("gradle", _GRADLE),
        Rule("./mvnw", "mvnw"),
        Rule("mvn", "pom.xml"),
    ),
    commands=(
        Command("build", "{run} assemble", _GRADLE),
        Command("test", "{run} test", f"{_GRADLE} pom.xml"),
        Command("check", "{run} check", _GRADLE),
        Command("build", "{run} package", "pom.xml"),
        Command("check", "{run} verify", "pom.xml"),
        Command("build", "sbt compile", "build.sbt"),
        Command("test", "sbt test", "build.sbt"),
    ),
    frameworks=(
        *(
            ("Spring Boot", "spring-boot"),
            ("Quarkus", "quarkus"),
            ("Micronaut", "micronaut"),
            ("Ktor", "ktor"),
        ),
        *(("Jetpack Compose", "androidx.compose"), ("Android", "com.android."), ("JUnit", "junit")),
    ),
    listed=(f"pom.xml {_GRADLE} app/build.gradle app/build.gradle.kts gradle/libs.versions.toml", "{}"),
)

_PHP = Ecosystem(
    "PHP",
    ("PHP",),
    "composer.json",
    managers=(Rule("Composer", "composer.json"),),
    commands=(
        Command("install", "composer install", "composer.json"),
        Command("test", "php artisan test", "artisan"),
        Command("test", "vendor/bin/pest", "composer.json", '"pestphp/pest"'),
        Command("test", "vendor/bin/phpunit", "phpunit.xml phpunit.xml.dist"),
        Command("lint", "vendor/bin/phpstan analyse", "phpstan.neon phpstan.neon.dist"),
        Command("format", "vendor/bin/pint", "pint.json"),
        Command("format", "vendor/bin/php-cs-fixer fix", ".php-cs-fixer.php .php-cs-fixer.dist.php"),
    ),
    frameworks=(("Laravel", "laravel/framework"), ("Symfony", "symfony/framework-bundle")),
    listed=("composer.json", r'"{}"\s*:'),
)

_RUBY = Ecosystem(
    "Ruby",
    ("Ruby",),
    "Gemfile Rakefile *.gemspec",
    managers=(Rule("Bundler", "Gemfile"),),
    commands=(
        Command("install", "bundle install", "Gemfile"),
        Command("test", "bundle exec rspec", ".rspec spec/spec_helper.rb"),
        Command("test", "bin/rails test", "bin/rails"),
        Command("test", "bundle exec rake test", "Rakefile", r"TestTask|\btask :?['\"]?test\b"),
        Command("lint", "bundle exec rubocop", ".rubocop.yml"),
    ),
    frameworks=(("Rails", "rails"), ("Sinatra", "sinatra"), ("Sidekiq", "sidekiq"), ("Jekyll", "jekyll")),
    listed=("Gemfile *.gemspec", r"""['"]{}['"]"""),
)

_ELIXIR = Ecosystem(
    "Elixir",
    ("Elixir",),
    "mix.exs",
    managers=(Rule("Mix", "mix.exs"),),
    commands=(
        Command("install", "mix deps.get", "mix.exs"),
        Command("build", "mix compile", "mix.exs"),
        Command("test", "mix test", "mix.exs"),
        Command("lint", "mix credo", "mix.exs", r"\{:credo\b"),
        Command("types", "mix dialyzer", "mix.exs", r"\{:dialyxir\b"),
        Command("format", "mix format", ".formatter.exs mix.exs"),
    ),
    frameworks=(("Phoenix", "phoenix"), ("LiveView", "phoenix_live_view"), ("Ecto", "ecto_sql")),
    listed=("mix.exs", r"\{{:{}\b"),
)

_DOTNET_FILES = "*.sln *.slnx *.csproj *.fsproj src/*.csproj"
_DOTNET = Ecosystem(
    ".NET",
    ("C#", "F#"),
    "*.sln *.slnx *.csproj *.fsproj global.json",
    managers=(Rule("NuGet", _DOTNET_FILES),),
    commands=(
        Command("build", "dotnet build", _DOTNET_FILES),
        Command("test", "dotnet test", _DOTNET_FILES),
        Command("format", "dotnet format", _DOTNET_FILES),
    ),
    frameworks=(
        ("ASP.NET Core", "Microsoft.NET.Sdk.Web"),
        ("Entity Framework", "Microsoft.EntityFrameworkCore"),
    ),
    listed=("*.csproj *.fsproj Directory.Packages.props", "{}"),
)

_SWIFT = Ecosystem(
    "Swift",
    ("Swift",),
    "Package.swift *.xcodeproj *.xcworkspace",
    managers=(Rule("Swift Package Manager", "Package.swift"),),
    commands=(
        Command("build", "swift build", "Package.swift"),
        Command("test", "swift test", "Package.swift"),
        Command("lint", "swiftlint", ".swiftlint.yml"),
    ),
    frameworks=(("Vapor", "vapor"),),
    listed=("Package.swift", r"/{}\.git"),
)

_CPP = Ecosystem(
    "C/C++",
    ("C++", "C"),
    "CMakeLists.txt meson.build configure.ac",
    managers=(Rule("CMake", "CMakeLists.txt"), Rule("Meson", "meson.build")),
    commands=(
        Command("build", "cmake -B build && cmake --build build", "CMakeLists.txt"),
        Command(
            "test",
            "cmake -B build && cmake --build build && ctest --test-dir build",
            "CMakeLists.txt",
            r"(?i)\b(?:enable_testing|add_test|include\s*\(\s*CTest)\b",
        ),
        Command("build", "meson setup build && meson compile -C build", "meson.build"),
        Command("test", "meson test -C build", "meson.build", r"\btest\s*\("),
        Command("format", "clang-format -i", ".clang-format"),
    ),
    frameworks=(("Qt", "Qt[56]"), ("GoogleTest", "GTest"), ("Catch2", "Catch2"), ("Boost", "Boost")),
    listed=("CMakeLists.txt", r"(?i)find_package\s*\(\s*{}\b"),
)

_DENO = Ecosystem(
    "Deno",
    ("TypeScript", "JavaScript"),
    "deno.json deno.jsonc",
    managers=(Rule("deno", "deno.json deno.jsonc"),),
    commands=(
        Command("test", "deno test", "deno.json deno.jsonc"),
        Command("lint", "deno lint", "deno.json deno.jsonc"),
        Command("types", "deno check .", "deno.json deno.jsonc"),
        Command("format", "deno fmt", "deno.json deno.jsonc"),
    ),
    frameworks=(("Fresh", "fresh"), ("Oak", "oak")),
    listed=("deno.json deno.jsonc", r'(?i)"(?:\$|@)?(?:[\w-]+/)?{}/?"\s*:'),
)

_ZIG = Ecosystem(
    "Zig",
    ("Zig",),
    "build.zig",
    managers=(Rule("zig", "build.zig"),),
    commands=(
        Command("build", "zig build", "build.zig"),
        Command("test", "zig build test", "build.zig", r'\.step\(\s*"test"'),
        Command("format", "zig fmt .", "build.zig"),
    ),
)

_DART = Ecosystem(
    "Dart",
    ("Dart",),
    "pubspec.yaml",
    managers=(
        Rule("flutter", "pubspec.yaml", r"(?m)^[ \t]+sdk:[ \t]*flutter\b"),
        Rule("dart", "pubspec.yaml"),
    ),
    commands=(
        Command("install", "{manager} pub get", "pubspec.yaml"),
        Command("test", "{manager} test", "pubspec.yaml"),
        Command("lint", "{manager} analyze", "pubspec.yaml"),
        Command("format", "dart format .", "pubspec.yaml"),
    ),
    frameworks=(("Flutter", "flutter"), ("Riverpod", "flutter_riverpod"), ("Bloc", "flutter_bloc")),
    listed=("pubspec.yaml", r"(?m)^[ \t]+{}:"),
)

ECOSYSTEMS = (
    *(_RUST, _PYTHON, _DENO, _NODE, _GO, _JVM, _DOTNET, _ELIXIR, _RUBY, _PHP, _SWIFT, _DART, _ZIG, _CPP),
)
"""In the order that counts where as many files speak for one as for another."""

LAST_COMMANDS = (
    Command("lint", "pre-commit run --all-files", ".pre-commit-config.yaml"),
    Command("test", "bazel test //...", "MODULE.bazel WORKSPACE WORKSPACE.bazel"),
)
"""For kinds of commands that nothing else gives."""

HOUSE_RULES = (
    Rule("Formatting of all files: .editorconfig.", ".editorconfig"),
    Rule("Python is formatted by black (pyproject.toml).", "pyproject.toml", r"(?m)^\[tool\.black\]"),
    Rule("Python is linted by ruff.", "ruff.toml .ruff.toml"),
    Rule("Python is linted by ruff (pyproject.toml).", "pyproject.toml", r"(?m)^\[tool\.ruff\b"),
    Rule(
        "Python is type-checked strictly by mypy.",
        "pyproject.toml mypy.ini setup.cfg",
        r"(?m)^\[(?:tool\.)?mypy\][^\[]*^strict[ \t]*=[ \t]*[Tt]rue",
    ),
    Rule("TypeScript is strict (tsconfig.json).", "tsconfig.json", r'"strict"\s*:\s*true'),
    Rule("Formatted by Prettier.", ".prettierrc .prettierrc.* prettier.config.*"),
    Rule("Formatted by Prettier (package.json).", "package.json", r'"prettier"\s*:\s*\{'),
    Rule("Linted by ESLint.", "eslint.config.* .eslintrc .eslintrc.*"),
    Rule("Linted and formatted by Biome.", "biome.json biome.jsonc"),
    Rule("Rust is formatted by rustfmt with settings of its own.", "rustfmt.toml .rustfmt.toml"),
    Rule("Clippy has settings of its own.", "clippy.toml .clippy.toml"),
    Rule("Go is linted by golangci-lint.", ".golangci.yml .golangci.yaml .golangci.toml"),
    Rule("C and C++ are formatted by clang-format.", ".clang-format"),
    Rule("Ruby is linted by RuboCop.", ".rubocop.yml"),
    Rule("PHP is analysed by PHPStan.", "phpstan.neon phpstan.neon.dist"),
    Rule("Hooks of pre-commit run before each commit.", ".pre-commit-config.yaml"),
    Rule("Commit messages are checked by commitlint.", ".commitlintrc .commitlintrc.* commitlint.config.*"),
    Rule("How to contribute: CONTRIBUTING.md.", "CONTRIBUTING.md"),
)
