# brainmine: see README.md. The two commands for people: `make demo` and `make check`.
# GNU make. Knobs: DEV=1 (warnings are errors), SAN=address,undefined, V=1, prefix=, DESTDIR=.

VERSION := 0.1.0
prefix ?= /usr/local
DESTDIR ?=
CC := gcc
PYTHON ?= python3

config := release$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(DEV),-dev)
comma := ,
BUILD ?= build/$(config)
Q := $(if $(V),,@)

packages := libdeflate zlib lapacke openblas libcjson
nifti_cflags := -isystem /usr/include/nifti
nifti_libs := -lnifti2 -lznz

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wwrite-strings -Wvla -Wno-sign-conversion
CPPFLAGS := -Ilib -I$(BUILD) -include util/banned.h -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 \
        $(nifti_cflags) $(shell pkg-config --cflags $(packages) 2>/dev/null)
CFLAGS ?= -O2 -g
CFLAGS += -std=c11 -fPIE -pthread -fstack-protector-strong $(WARN) $(if $(DEV),-Werror) -MMD -MP
LDFLAGS += -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed
LIBS := $(nifti_libs) $(shell pkg-config --libs $(packages) 2>/dev/null) -lm
ifneq ($(SAN),)
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS))
CFLAGS += -fsanitize=$(SAN) -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SAN)
endif

layers := util num io signal learn brain
lib_src := $(foreach l,$(layers),$(sort $(wildcard lib/$l/*.c)))
cli_src := $(sort $(wildcard cli/*.c))
unit_src := $(sort $(wildcard tests/unit/test_*.c))
support_src := $(sort $(wildcard tests/support/*.c))
obj = $(patsubst %.c,$(BUILD)/%.o,$1)

all: brainmine lib
lib: $(BUILD)/libbrainmine.a

# Kernels that the compiler should vectorise and fuse; results are equal on one CPU type, and
# within tolerance between types (README, "Same bytes").
hot := lib/num/samples_kernels.c lib/num/tv_kernels.c
$(call obj,$(hot)): CFLAGS += -O3 -ffp-contract=fast -fopenmp-simd -Wno-psabi

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(if $V,,@echo "  CC   $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/libbrainmine.a: $(call obj,$(lib_src))
	$(if $V,,@echo "  AR   $@")
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/brainmine: $(call obj,$(cli_src)) $(BUILD)/libbrainmine.a
	$(if $V,,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

brainmine: $(BUILD)/brainmine
	$(Q)cp $< $@.tmp && mv $@.tmp $@

# Unit tests: every tests/unit/test_X.c exports `Suite *X_suite(void)`.
suites := $(patsubst tests/unit/test_%.c,%,$(unit_src))
$(BUILD)/suites.inc: $(unit_src) Makefile
	@mkdir -p $(@D)
	@printf 'SUITE(%s)\n' $(suites) > $@
$(call obj,tests/unit/main.c): $(BUILD)/suites.inc
$(BUILD)/unit: $(call obj,tests/unit/main.c $(unit_src) $(filter-out %_main.c,$(support_src))) $(BUILD)/libbrainmine.a
	$(if $V,,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) $(shell pkg-config --libs check 2>/dev/null) -o $@
$(call obj,tests/unit/main.c $(unit_src) $(support_src)): CPPFLAGS += -Itests

check-unit: $(BUILD)/unit
	$(BUILD)/unit

clean:
	rm -rf build brainmine

.PHONY: all lib check-unit clean
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
