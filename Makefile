# One Makefile for everything. One archive per folder; a test program links only the archives at or
# below its own folder, so a call in the wrong direction fails at link time.
#
#   make            build the program into build/
#   make run        a demo: real MariaDB primary and two replicas, Tidemark in front of them
#   make test       install what is missing, build, run every test
#   make help       all targets
#
# Variables: BUILD (output folder), CC, SAN=1 (address + undefined), SAN=thread, PREFIX, DESTDIR,
# MYSQL_PKG (pkg-config name of the client library), FUZZ_SECONDS, JOBS, PYTHON, PYTEST_ARGS, V=1.

JOBS        ?= $(shell nproc 2>/dev/null || echo 2)
PYTHON      ?= /usr/bin/python3
PREFIX      ?= /usr/local
FUZZ_SECONDS ?= 10
PYTEST_ARGS ?=
CLANG       ?= clang
CLANG_FORMAT ?= clang-format
CLANG_TIDY  ?= clang-tidy

ifeq ($(SAN),1)
BUILD       ?= build/san
SAN_FLAGS   := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),thread)
BUILD       ?= build/tsan
SAN_FLAGS   := -fsanitize=thread -fno-omit-frame-pointer
else ifeq ($(SAN),fuzz)
BUILD       ?= build/fuzz
CC          := $(CLANG)
SAN_FLAGS   := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
else ifneq ($(SAN),)
$(error SAN is 1, thread or fuzz, not '$(SAN)')
endif
BUILD       ?= build

# --- flags ------------------------------------------------------------------------------------

# MySQL's own library and MariaDB's compatible one both answer to "mysqlclient" on Debian.
MYSQL_PKG   ?= $(shell for p in mysqlclient libmariadb; do \
                 pkg-config --exists $$p 2>/dev/null && echo $$p && break; done)
PKGS        := libuv libssl libcrypto libsodium zlib libzstd inih libmicrohttpd sqlite3 $(MYSQL_PKG)
# The libraries' headers count as system headers: our warnings are for our code.
PKG_CFLAGS  := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
PKG_LIBS    := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm
LEAF_LIBS   := $(shell pkg-config --libs libcrypto libsodium zlib libzstd 2>/dev/null)
CMOCKA_LIBS := $(shell pkg-config --libs cmocka 2>/dev/null || echo -lcmocka)

WARNINGS    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum -Wstrict-prototypes \
               -Werror
CFLAGS      ?= -O2 -g
ifneq ($(SAN),)
# Instrumented code misleads gcc's warnings about values and sizes; the plain builds enforce them.
WARNINGS    += -Wno-error -Werror=implicit
endif
ALL_CFLAGS  := -std=c17 -D_GNU_SOURCE $(WARNINGS) -I. $(PKG_CFLAGS) $(CFLAGS) $(SAN_FLAGS) -pthread
ALL_LDFLAGS := $(LDFLAGS) $(SAN_FLAGS) -pthread

# V=1 shows the whole commands.
Q           := $(if $(V),,@)
say         = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

# --- what there is ----------------------------------------------------------------------------

find_c      = $(sort $(shell find $(1) -name '*.c' 2>/dev/null))
obj         = $(patsubst %.c,$(BUILD)/%.o,$(1))

PROTOCOL_C  := $(call find_c,protocol)
ROUTER_C    := $(call find_c,router)
HEALTH_C    := $(call find_c,health)
PROXY_C     := $(filter-out proxy/main.c,$(call find_c,proxy))
MAIN_C      := $(wildcard proxy/main.c)

LIBPROTOCOL := $(BUILD)/libprotocol.a
LIBROUTER   := $(BUILD)/librouter.a
LIBHEALTH   := $(BUILD)/libhealth.a
LIBPROXY    := $(BUILD)/libproxy.a
# The trunk first: it calls the leaves, and they call nobody.
ALL_LIBS    := $(LIBPROXY) $(LIBHEALTH) $(LIBROUTER) $(LIBPROTOCOL)

C_FILES     := $(sort $(shell find protocol router health proxy tests examples -name '*.[ch]' \
                 -not -path '*/node_modules/*' 2>/dev/null))
TIDY_C      := $(filter-out examples/%,$(filter %.c,$(C_FILES)))
SH_FILES    := $(sort .ci/run $(shell find tests examples -name '*.sh' \
                 -not -path '*/node_modules/*' 2>/dev/null))
PY_FILES    := $(sort $(shell find tests examples -name '*.py' -not -path '*/node_modules/*' \
                 2>/dev/null))

.PHONY: all help lib unit wire threads fuzz fuzz-replay live mysqltest deps test lint format run \
        bench install clean build-clang build-mysql tidy check-style check-leaves check-words \
        check-scripts FORCE
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

all: $(BUILD)/tidemark

help:
	@sed -n '5,10p' Makefile | sed 's/^# *//'
	@echo 'unit wire threads fuzz fuzz-replay live mysqltest lint format bench install clean deps'

# --- program and archives ---------------------------------------------------------------------

# Objects depend on this file, so that a change of compiler or flags rebuilds them.
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PKG_LIBS)' | cmp -s - $@ || \
	 echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PKG_LIBS)' > $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIBPROTOCOL): $(call obj,$(PROTOCOL_C))
$(LIBROUTER): $(call obj,$(ROUTER_C))
$(LIBHEALTH): $(call obj,$(HEALTH_C))
$(LIBPROXY): $(call obj,$(PROXY_C))
$(ALL_LIBS): $(BUILD)/flags
	@rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

lib: $(ALL_LIBS)

$(BUILD)/tidemark: $(call obj,$(MAIN_C)) $(ALL_LIBS)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(PKG_LIBS)

# --- unit and wire tests ----------------------------------------------------------------------

# A test is a file test_*.c and becomes a program of its own; the other .c files of its folder are
# helpers, linked to each test there.
tests_in    = $(sort $(wildcard $(1)/test_*.c))
helpers_in  = $(sort $(filter-out $(1)/test_%.c,$(wildcard $(1)/*.c)))
programs_in = $(patsubst %.c,$(BUILD)/%,$(call tests_in,$(1)))

# test_folder(folder, archives, libraries): how the tests of one folder are linked.
define test_folder
$(call programs_in,$(1)): $(BUILD)/$(1)/%: $(BUILD)/$(1)/%.o $(call obj,$(call helpers_in,$(1))) $(2)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $(CMOCKA_LIBS) $(3)
endef

$(eval $(call test_folder,tests/unit/protocol,$(LIBPROTOCOL),$(LEAF_LIBS)))
$(eval $(call test_folder,tests/unit/router,$(LIBROUTER),$(LEAF_LIBS)))
$(eval $(call test_folder,tests/unit/health,$(LIBHEALTH),$(PKG_LIBS)))
$(eval $(call test_folder,tests/unit/proxy,$(ALL_LIBS),$(PKG_LIBS)))
$(eval $(call test_folder,tests/wire,$(ALL_LIBS),$(PKG_LIBS)))

UNIT_TESTS  := $(foreach f,protocol router health proxy,$(call programs_in,tests/unit/$(f)))
WIRE_TESTS  := $(call programs_in,tests/wire)
# The tests that start threads or exercise what is shared between them.
THREAD_TESTS := $(foreach f,health proxy,$(call programs_in,tests/unit/$(f))) $(WIRE_TESTS)

unit: $(UNIT_TESTS)
	@tests/run-programs.sh $(BUILD)/results/unit $^

wire: $(WIRE_TESTS)
	@tests/run-programs.sh $(BUILD)/results/wire $^

threads: $(THREAD_TESTS)
	@tests/run-programs.sh $(BUILD)/results/threads $^

# --- fuzzing ----------------------------------------------------------------------------------

FUZZ_C      := $(sort $(wildcard tests/fuzz/fuzz_*.c))
REPLAYS     := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/tests/fuzz/replay_%,$(FUZZ_C))
FUZZERS     := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/tests/fuzz/fuzz_%,$(FUZZ_C))

$(REPLAYS): $(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o \
            $(BUILD)/tests/fuzz/replay.o $(ALL_LIBS)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(PKG_LIBS)

$(FUZZERS): $(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(ALL_LIBS)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o %.a,$^) $(PKG_LIBS)

# The kept inputs, and cut and altered copies of them, with the ordinary compiler.
fuzz-replay: $(REPLAYS)
	@tests/fuzz/replay.sh $(BUILD)/results/fuzz-replay $^

ifeq ($(SAN),fuzz)
fuzz: $(FUZZERS)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/fuzz.sh $(BUILD) $^
else
fuzz:
	$(MAKE) SAN=fuzz BUILD=$(BUILD)/fuzz fuzz
endif

# --- everything that needs servers ------------------------------------------------------------

# Live tests run the program given here; `make test` gives them the sanitized one.
TIDEMARK    ?= $(BUILD)/tidemark

live: $(BUILD)/tidemark
	@mkdir -p $(BUILD)/results
	TIDEMARK=$(abspath $(TIDEMARK)) $(PYTHON) -m pytest -q -p no:cacheprovider \
	    --junitxml=$(BUILD)/results/live.xml $(PYTEST_ARGS) tests/live

# MariaDB's and MySQL's own suites, directly and through the program, for ten minutes; not a part of
# `make test`: tests/suites/mysqltest/README.md.
MYSQLTEST_ARGS ?=

mysqltest: $(BUILD)/tidemark
	TIDEMARK=$(abspath $(TIDEMARK)) $(PYTHON) -B tests/suites/mysqltest/mysqltest.py \
	    --results $(BUILD)/results/mysqltest.xml $(MYSQLTEST_ARGS)

deps:
	@tests/deps.sh test

# Every group runs, also after one has failed; the last word is whether all were well.
TEST_GROUPS := all SAN=1:unit SAN=1:wire SAN=1:fuzz-replay SAN=thread:threads build-clang \
               build-mysql SAN=1:live

test:
	@rm -rf $(BUILD)/results $(BUILD)/san/results $(BUILD)/tsan/results
	@$(MAKE) deps
	@status=0; failed=; for group in $(TEST_GROUPS); do \
	    case $$group in \
	    SAN=1:*) words="SAN=1 BUILD=$(BUILD)/san" ;; \
	    SAN=thread:*) words="SAN=thread BUILD=$(BUILD)/tsan" ;; \
	    *) words= ;; \
	    esac; \
	    echo "=== $$group"; \
	    $(MAKE) -j$(JOBS) $$words $${group##*:} || { status=1; failed="$$failed $$group"; }; \
	done; \
	[ $$status = 0 ] && echo "all groups passed" || echo "failed:$$failed"; exit $$status

# The whole program with the other compiler.
build-clang:
	$(MAKE) CC=$(CLANG) BUILD=$(BUILD)/clang all

# The whole program against MySQL's own client library, in the unpacked Debian unstable.
build-mysql:
	tests/cluster/build-with-mysql.sh $(BUILD)/mysql-client

run:
	@tests/deps.sh run
	@$(MAKE) -j$(JOBS) all
	@tests/cluster/demo.sh $(BUILD)

bench:
	@tests/deps.sh bench
	@$(MAKE) -j$(JOBS) all
	tests/bench/bench.sh $(BUILD)

# --- looking at the source --------------------------------------------------------------------

lint:
	@tests/deps.sh build
	$(MAKE) -j$(JOBS) check-style check-leaves check-words check-scripts tidy

check-style:
	@$(CLANG_FORMAT) --dry-run -Werror $(C_FILES) /dev/null

check-leaves:
	@tests/lint.sh leaves

check-words:
	@tests/lint.sh words

check-scripts:
	@for f in $(SH_FILES); do bash -n $$f || exit 1; done
	$(if $(PY_FILES),PYTHONPYCACHEPREFIX=$(abspath $(BUILD))/pycache \
	  $(PYTHON) -m py_compile $(PY_FILES))

# One stamp per file, so that only what changed is looked at again; headers count for all.
TIDIED      := $(patsubst %.c,$(BUILD)/tidy/%.ok,$(TIDY_C))

tidy: $(TIDIED)

$(BUILD)/tidy/%.ok: %.c $(filter %.h,$(C_FILES)) .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)$(CLANG_TIDY) --quiet --warnings-as-errors='*' $< -- -std=c17 -D_GNU_SOURCE -I. \
	    $(PKG_CFLAGS) 2>$@.err || { cat $@.err >&2; exit 1; }
	@touch $@

format:
	$(if $(C_FILES),$(CLANG_FORMAT) -i $(C_FILES))

# --- installing and cleaning ------------------------------------------------------------------

DOC         := $(DESTDIR)$(PREFIX)/share/doc/tidemark

install: $(BUILD)/tidemark
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DOC)/examples
	install -m 755 $(BUILD)/tidemark $(DESTDIR)$(PREFIX)/bin/tidemark
	install -m 644 docs/tidemark.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 LICENSE README.md CHANGELOG.md $(DOC)/
	install -m 644 $(wildcard examples/*.ini) $(DOC)/examples/

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/protocol $(BUILD)/router $(BUILD)/health $(BUILD)/proxy \
    $(BUILD)/tests -name '*.d' 2>/dev/null)
