/* seraph/plugin.h - how a shared library says that it is a plugin: one note, one symbol.
 *
 * The note is read from the file before any of its code runs: the host learns the ABI version and the ids of
 * the attacks and victims inside, and refuses what does not fit. The symbol is the only one a plugin exports.
 */
#ifndef SERAPH_PLUGIN_H
#define SERAPH_PLUGIN_H

#include <seraph/attack.h>
#include <seraph/victim.h>

SERAPH_BEGIN_DECLS

typedef struct seraph_plugin {
  uint32_t struct_size;
  uint16_t abi_major; /* SERAPH_ABI_MAJOR */
  uint16_t abi_minor; /* SERAPH_ABI_MINOR */

  /* The factory of that id (SERAPH_FACTORY_ATTACK, SERAPH_FACTORY_VICTIM), or NULL. [any-thread] */
  const void *(SERAPH_CALL *get_factory)(const char *factory_id);

  /* Called once, last, if the worker ends in good order. [worker-thread] */
  void(SERAPH_CALL *shutdown)(void);
} seraph_plugin;

/* The one symbol: called once, first. Returns a constant that lives as long as the library, or NULL after
 * logging why. The host and what it points to live as long as the library. [worker-thread] */
typedef const seraph_plugin *(SERAPH_CALL *seraph_plugin_entry_fn)(const seraph_host *host);
#define SERAPH_ENTRY_SYMBOL "seraph_plugin_entry_v1"

#define SERAPH_KIND_ATTACK 1u
#define SERAPH_KIND_VICTIM 2u

#define SERAPH_NOTE_SECTION ".note.seraph"
#define SERAPH_NOTE_TYPE 0x53525048u /* "SRPH" */
#define SERAPH_NOTE_DESC_SIZE 72u

/* One ELF note per attack or victim in the library. Frozen at 92 bytes. */
typedef struct seraph_note {
  uint32_t namesz; /* 7 */
  uint32_t descsz; /* SERAPH_NOTE_DESC_SIZE */
  uint32_t note_type; /* SERAPH_NOTE_TYPE */
  char name[8];    /* "SERAPH" */
  uint16_t abi_major;
  uint16_t abi_minor_min;   /* the oldest host minor that it can live with */
  uint16_t abi_minor_built; /* the minor that it was built for */
  uint16_t kind;            /* SERAPH_KIND_* */
  char id[48];              /* the id in its info, NUL-padded */
  char version[16];         /* the version in its info, NUL-padded */
} seraph_note;

SERAPH_END_DECLS

/* SERAPH_PLUGIN_NOTE(my_note, SERAPH_KIND_ATTACK, "my-attack", "1.0.0", 0) at file scope, once per attack or
 * victim; the first argument is any name, the last the oldest host minor that the plugin can live with. */
#if defined(__ELF__) && defined(__GNUC__)
#define SERAPH_PLUGIN_NOTE(var, kind, id, version, min_minor)                                              \
  __attribute__((section(SERAPH_NOTE_SECTION), used, aligned(4))) static const seraph_note var = {         \
      7u, SERAPH_NOTE_DESC_SIZE, SERAPH_NOTE_TYPE, {'S', 'E', 'R', 'A', 'P', 'H', 0, 0},                   \
      SERAPH_ABI_MAJOR, (min_minor), SERAPH_ABI_MINOR, (kind), id, version}
#else
#define SERAPH_PLUGIN_NOTE(var, kind, id, version, min_minor) typedef int var
#endif

#endif /* SERAPH_PLUGIN_H */
