# brainmine: see README.md. The two commands for people: `make demo` and `make check`.
# GNU make. Knobs: DEV=1 (warnings are errors), SAN=address,undefined, V=1, prefix=, DESTDIR=,
# VTK=0 (no renderer; the default where VTK is not installed).

VERSION := 0.1.0
prefix ?= /usr/local
DESTDIR ?=
CC := gcc

comma := ,
config := release$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(DEV),-dev)
BUILD ?= build/$(config)
# One name for each object, or what a test built by the whole path would miss later changes of headers.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))
Q := $(if $(V),,@)

packages := libdeflate zlib lapacke openblas libcjson libcrypto
nifti_cflags := -isystem /usr/include/nifti
nifti_libs := -lnifti2 -lznz

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wwrite-strings -Wvla -Wno-sign-conversion -Wno-missing-field-initializers
CPPFLAGS := -Ilib -I$(BUILD) -include util/banned.h -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 \
        $(nifti_cflags) $(shell pkg-config --cflags $(packages) 2>/dev/null)
CFLAGS ?= -O2 -g
CFLAGS += -std=c11 -fPIE -pthread -fstack-protector-strong $(WARN) $(if $(DEV),-Werror) -MMD -MP
LDFLAGS += -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed
LIBS := $(nifti_libs) $(shell pkg-config --libs $(packages) 2>/dev/null) -lm
# OpenBLAS goes in statically where its archive is: the program starts twice as fast, and another
# variant chosen on the machine (the serial one is not safe with threads) cannot take its place.
blas_archive := $(wildcard $(shell pkg-config --variable=libdir openblas 2>/dev/null)/libopenblas.a)
ifneq ($(blas_archive),)
LIBS := $(patsubst -lopenblas,-l:libopenblas.a,$(patsubst -llapacke,-l:liblapacke.a,$(LIBS))) \
        -l:libgfortran.so.5
endif
ifneq ($(SAN),)
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS))
CFLAGS += -fsanitize=$(SAN) -fno-omit-frame-pointer
sanitize := -fsanitize=$(SAN) -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SAN)
endif

# brainmine-render is the one program with VTK and C++ in it.
vtk_headers := $(firstword $(wildcard /usr/include/vtk-9*))
ifeq ($(origin VTK),undefined)
VTK := $(if $(and $(vtk_headers),$(wildcard /usr/include/EGL/egl.h /usr/include/*/EGL/egl.h),$(shell \
        command -v g++),$(shell pkg-config --exists libpng && echo yes)),1,0)
endif
CXX := g++
CXXFLAGS ?= -O2 -g
CXXFLAGS += -std=c++17 -fPIE -pthread -fstack-protector-strong -Wall -Wextra \
        $(if $(DEV),-Werror) -MMD -MP
vtk_modules := RenderingOpenGL2 RenderingFreeType RenderingCore FiltersCore \
        FiltersSources CommonExecutionModel CommonDataModel CommonMath CommonMisc CommonTransforms CommonCore
vtk_version := $(patsubst /usr/include/vtk-%,%,$(vtk_headers))
vtk_libs := $(vtk_modules:%=-lvtk%-$(vtk_version)) -lGLEW -lEGL -lOpenGL -lGLX -lX11
png_libs := $(shell pkg-config --libs libpng 2>/dev/null)
render_src := lib/render/main.c lib/render/png_write.c $(sort $(wildcard lib/render/*.cpp))

layers := util num io signal learn brain cache render
lib_src := $(filter-out $(render_src),$(foreach l,$(layers),$(sort $(wildcard lib/$l/*.c))))
headers := $(filter-out %_internal.h lib/util/banned.h,\
        $(foreach l,$(layers),$(sort $(wildcard lib/$l/*.h))))
cli_src := $(sort $(wildcard cli/*.c))
unit_src := $(sort $(wildcard tests/unit/test_*.c))
support_src := $(sort $(filter-out %_main.c,$(wildcard tests/support/*.c)))
bench_src := $(sort $(wildcard tests/bench/bench_*.c))
pages := $(sort $(wildcard man/*.1 man/*.5))
obj = $(patsubst %.c,$(BUILD)/%.o,$(patsubst %.cpp,$(BUILD)/%.o,$1))

programs := brainmine $(if $(filter 1,$(VTK)),brainmine-render)
all: $(programs) lib $(if $(filter 1,$(VTK)),,no-renderer)
lib: $(BUILD)/libbrainmine.a

# Kernels that the compiler should vectorise and fuse; results are equal on one CPU type, and
# within tolerance between types (README, "Same bytes").
hot := lib/num/samples_kernels.c lib/num/tv_kernels.c lib/num/tv.c lib/num/maps_kernels.c \
        lib/learn/spatial_drg.c lib/io/nifti_types.c lib/signal/smooth.c \
        lib/learn/group_glasso_columns.c
$(call obj,$(hot)): CFLAGS += -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math -fopenmp-simd -Wno-psabi

# Changes only when the version or the commit does.
commit := $(if $(wildcard .git),$(shell git rev-parse --short=12 HEAD 2>/dev/null && \
        { git diff --quiet HEAD 2>/dev/null || echo dirty; }))
commit := $(or $(subst $() ,-,$(strip $(commit))),unknown)
$(BUILD)/version.h: FORCE
	@mkdir -p $(@D)
	@printf '#define BM_VERSION "$(VERSION)"\n#define BM_COMMIT "$(commit)"\n' > $@.tmp
	@cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@

# Says which packages are missing before the compiler does.
$(BUILD)/packages: .ci/packages
	@mkdir -p $(@D)
	@sh .ci/packages build && touch $@

$(BUILD)/%.o: %.c | $(BUILD)/version.h $(BUILD)/packages
	@mkdir -p $(@D)
	$(if $V,,@echo "  CC   $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

# VTK's headers are not clean under -Wconversion, and use what banned.h poisons.
$(BUILD)/%.o: %.cpp | $(BUILD)/version.h $(BUILD)/packages
	@mkdir -p $(@D)
	$(if $V,,@echo "  CXX  $<")
	$(Q)$(CXX) -Ilib -isystem $(vtk_headers) $(CXXFLAGS) $(sanitize) -c $< -o $@

$(BUILD)/libbrainmine.a: $(call obj,$(lib_src))
	$(if $V,,@echo "  AR   $@")
	$(Q)rm -f $@ && ar rcs $@ $^

link = $(if $V,,@echo "  LINK $@";) $(CC) $(CFLAGS) $(LDFLAGS) $(filter %.o %.a,$^) $(LIBS)

$(BUILD)/brainmine: $(call obj,$(cli_src)) $(BUILD)/libbrainmine.a
	$(link) -o $@

$(BUILD)/brainmine-render: $(call obj,$(render_src)) $(BUILD)/libbrainmine.a
	$(if $V,,@echo "  LINK $@")
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) $^ $(vtk_libs) $(png_libs) $(LIBS) -o $@
no-renderer:
	@echo "  NOTE brainmine-render is not built$$(sh .ci/packages render 2>&1 | sed -n '1s/^brainmine/:/p')"

# Those of the last build, whichever its kind: times say nothing here.
$(programs): %: $(BUILD)/% FORCE
	@cmp -s $< $@ || { cp $< $@.tmp && mv $@.tmp $@; }

# Unit tests: every tests/unit/test_X.c exports `Suite *X_suite(void)`.
suites := $(patsubst tests/unit/test_%.c,%,$(unit_src))
$(BUILD)/suites.inc: $(unit_src) Makefile
	@mkdir -p $(@D)
	@printf 'SUITE(%s)\n' $(suites) > $@
$(call obj,tests/unit/main.c): $(BUILD)/suites.inc
unit_obj := $(call obj,tests/unit/main.c $(unit_src) $(support_src))
$(unit_obj): CPPFLAGS += -Itests -I.
$(BUILD)/unit: $(unit_obj) $(call obj,$(filter-out cli/main.c,$(cli_src))) $(BUILD)/libbrainmine.a
	$(link) $(shell pkg-config --libs check 2>/dev/null) -o $@

check-unit: $(BUILD)/unit
	@TMPDIR=$$(mktemp -d) && export TMPDIR; $(BUILD)/unit; code=$$?; rm -rf "$$TMPDIR"; exit $$code

# The small programs that tests use: tests/support/X_main.c, with X.c if there is one, becomes
# $(BUILD)/tools/X.
tool_src := $(sort $(wildcard tests/support/*_main.c))
# Those that read pictures need libpng.
picture_tools := $(patsubst %,$(BUILD)/tools/%,compare_pictures contact_sheet like_picture)
tools := $(patsubst tests/support/%_main.c,$(BUILD)/tools/%,$(tool_src))
ifneq ($(VTK),1)
tools := $(filter-out $(picture_tools),$(tools))
endif
$(picture_tools): LIBS += $(png_libs)
$(BUILD)/tools/fail_alloc: $(call obj,$(cli_src))
$(BUILD)/tools/fail_alloc: LIBS := $(BUILD)/libbrainmine.a $(LIBS) -Wl,--wrap=bm_mem_init
$(call obj,$(tool_src)): CPPFLAGS += -Itests -I.
.SECONDEXPANSION:
$(tools): $(BUILD)/tools/%: $(BUILD)/tests/support/%_main.o \
        $$(call obj,$$(wildcard tests/support/%.c)) $(BUILD)/libbrainmine.a
	@mkdir -p $(@D)
	$(link) -o $@

# Fuzz targets, tests/fuzz/fuzz_X.c: $(BUILD)/tools/replay_X runs one on mutations of its seeds,
# build/fuzz/X under the engine of clang, with the sanitizers, from the same seeds.
fuzz_src := $(sort $(wildcard tests/fuzz/fuzz_*.c))
replays := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/tools/replay_%,$(fuzz_src))
fuzzers := $(patsubst tests/fuzz/fuzz_%.c,build/fuzz/%,$(fuzz_src))
$(call obj,$(fuzz_src) tests/fuzz/replay.c): CPPFLAGS += -Itests
$(replays): $(BUILD)/tools/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o \
        $(BUILD)/tests/support/bad_images.o $(BUILD)/libbrainmine.a
	@mkdir -p $(@D)
	$(link) -o $@

FUZZ_RUNS ?= 1000000
CLANG ?= clang-14
fuzzed := $(sort $(wildcard lib/util/*.c lib/io/*.c)) lib/cache/digest.c lib/cache/entry.c \
        $(sort $(wildcard lib/brain/*_model.c)) tests/support/bad_images.c
# What these call beyond themselves comes from the library as it is.
$(fuzzers): build/fuzz/%: tests/fuzz/fuzz_%.c $(fuzzed) $(wildcard lib/util/*.h lib/io/*.h lib/cache/*.h) \
        $(BUILD)/libbrainmine.a
	@mkdir -p $(@D)
	$(if $V,,@echo "  FUZZ $<")
	$(Q)$(CLANG) -std=c11 -D_GNU_SOURCE -g -O1 -pthread -Ilib -Itests -include util/banned.h \
	    $(nifti_cflags) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	    $< $(fuzzed) $(BUILD)/libbrainmine.a $(LIBS) -o $@
fuzz-programs: $(fuzzers)
	@:
fuzz: $(replays)
	@sh .ci/packages fuzz --install
	@$(MAKE) --no-print-directory -j$(jobs) fuzz-programs
	@set -e; for t in $(notdir $(fuzzers)); do \
	    mkdir -p build/fuzz/corpus/$$t; $(BUILD)/tools/replay_$$t -w build/fuzz/corpus/$$t; \
	    echo "  RUN  fuzz_$$t $(FUZZ_RUNS)"; \
	    build/fuzz/$$t -seed=1 -runs=$(FUZZ_RUNS) -timeout=10 -rss_limit_mb=1024 \
	        -artifact_prefix=build/fuzz/$$t- build/fuzz/corpus/$$t > build/fuzz/$$t.log 2>&1 || \
	        { tail -n 40 build/fuzz/$$t.log; exit 1; }; \
	    sed -n 's/^Done /  DONE /p' build/fuzz/$$t.log; done

jobs := $(shell nproc 2>/dev/null || echo 2)
check:
	@sh .ci/packages check --install
	@$(MAKE) --no-print-directory -j$(jobs) all check-programs
	@BUILD=$(BUILD) CC="$(CC)" SAN="$(SAN)" MAKE="$(MAKE)" FULL="$(FULL)" sh tests/check.sh
check-programs: $(BUILD)/unit $(tools) $(replays)

# Longer: the parts that take minutes each, then all of the rest again under sanitizers.
check-full:
	@$(MAKE) --no-print-directory FULL=1 check
	@$(MAKE) --no-print-directory SAN=address,undefined DEV=1 check

demo:
	@sh .ci/packages build --install
	@$(MAKE) --no-print-directory -j$(jobs) demo-programs
	@BUILD=$(BUILD) sh tests/demo.sh
demo-programs: all $(BUILD)/tools/map_score $(BUILD)/tools/atlas_score \
        $(if $(filter 1,$(VTK)),$(BUILD)/tools/contact_sheet)
	@:

# Times and memory, as JSON on stdout: tests/bench/bench_X.c, tests/bench/X.sh.
bench_bin := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(bench_src))
$(call obj,$(bench_src)): CPPFLAGS += -Itests
$(bench_bin): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libbrainmine.a
	@mkdir -p $(@D)
	$(link) -o $@
bench: all $(BUILD)/tools/map_score $(BUILD)/tools/atlas_score $(bench_bin)
	@set -e; for b in $(bench_bin); do $$b; done
	@set -e; for b in $(sort $(wildcard tests/bench/*.sh)); do \
	    BRAINMINE=$(CURDIR)/brainmine BRAINMINE_CACHE=$${BRAINMINE_CACHE-off} BUILD=$(BUILD) sh $$b; done

# OPTIONS and EXIT STATUS of the manual, between the markers of the hand-written pages.
man: brainmine
	@set -e; for page in $(pages); do \
	    BRAINMINE=./brainmine sh man/splice.sh $$page > $(BUILD)/page.tmp; \
	    cmp -s $(BUILD)/page.tmp $$page || { cp $(BUILD)/page.tmp $$page; echo "  MAN  $$page"; }; \
	done

completion: $(BUILD)/completion/bash $(BUILD)/completion/zsh
$(BUILD)/completion/%: $(BUILD)/brainmine
	@mkdir -p $(@D)
	$(Q)$< --_complete $* > $@.tmp && mv $@.tmp $@

# brainmine.h includes every public header.
$(BUILD)/brainmine.h: $(headers) Makefile
	@mkdir -p $(@D)
	@{ echo '/* brainmine $(VERSION): every public header of the library. */'; \
	   echo '#ifndef BRAINMINE_H'; echo '#define BRAINMINE_H'; \
	   printf '#include "%s"\n' $(patsubst lib/%,%,$(headers)); echo '#endif'; } > $@
# Anew each time: prefix is that of this installation.
$(BUILD)/brainmine.pc: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(prefix)' 'libdir=$${prefix}/lib' \
	    'includedir=$${prefix}/include/brainmine' '' 'Name: brainmine' \
	    'Description: decoding and machine learning on functional brain images' \
	    'Version: $(VERSION)' 'Cflags: -I$${includedir}' \
	    'Libs: -L$${libdir} -lbrainmine $(strip $(LIBS)) -pthread' > $@

root = $(DESTDIR)$(prefix)
install: all completion $(BUILD)/brainmine.h $(BUILD)/brainmine.pc
	$(Q)install -D -m 755 $(BUILD)/brainmine $(root)/bin/brainmine
	$(if $(filter 1,$(VTK)),$(Q)install -D -m 755 $(BUILD)/brainmine-render \
	    $(root)/libexec/brainmine/brainmine-render)
	$(Q)install -D -m 644 $(BUILD)/libbrainmine.a $(root)/lib/libbrainmine.a
	$(Q)install -D -m 644 $(BUILD)/brainmine.pc $(root)/lib/pkgconfig/brainmine.pc
	$(Q)install -D -m 644 $(BUILD)/brainmine.h $(root)/include/brainmine/brainmine.h
	$(Q)set -e; for h in $(patsubst lib/%,%,$(headers)); do \
	    install -D -m 644 lib/$$h $(root)/include/brainmine/$$h; done
	$(Q)set -e; for page in $(pages); do \
	    install -D -m 644 $$page $(root)/share/man/man$${page##*.}/$${page##*/}; done
	$(Q)install -D -m 644 $(BUILD)/completion/bash $(root)/share/bash-completion/completions/brainmine
	$(Q)install -D -m 644 $(BUILD)/completion/zsh $(root)/share/zsh/site-functions/_brainmine

uninstall:
	rm -f $(root)/bin/brainmine $(root)/lib/libbrainmine.a $(root)/lib/pkgconfig/brainmine.pc
	rm -rf $(root)/include/brainmine $(root)/libexec/brainmine
	rm -f $(foreach p,$(pages),$(root)/share/man/man$(subst .,,$(suffix $p))/$(notdir $p))
	rm -f $(root)/share/bash-completion/completions/brainmine
	rm -f $(root)/share/zsh/site-functions/_brainmine

dist:
	git archive --prefix=brainmine-$(VERSION)/ -o brainmine-$(VERSION).tar.gz HEAD

clean:
	rm -rf build brainmine brainmine-render

FORCE:
.PHONY: all lib no-renderer check check-unit check-programs check-full demo demo-programs bench fuzz \
        fuzz-programs man completion install uninstall dist clean FORCE
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
