/* SPDX-License-Identifier: MIT */
/* Users are distributed over buckets by their hash. The braces put all keys of a bucket into one slot of a
 * cluster.
 *
 *   presenced:{K}:state     a hash:
 *     identity              random, written by the first node that finds none; another identity: other data
 *     layout                the version of this layout
 *     sequence              the number of the log's last entry
 *   presenced:{K}:log       a stream of changes; each entry has:
 *     s                     its sequence number, which shows a reader whether it missed any
 *     n                     the run of the node that wrote it
 *     rows or gone          rows that are new or newer; or a user that was forgotten, with its last known
 *                           rows; each row as u16 length, field, u16 length, value (codec.h)
 *   presenced:{K}:rows:L    hashes, called leaves, with a field and a value for each row; there are many,
 *                           because an engine stores a small hash in half the memory of a large one
 *   presenced:{nodes}       a hash of the live nodes by the names of their runs: when the node last announced
 *                           itself, in ms by the engine's clock, and the ids of the apps that it asks Tencent
 *                           about, each number followed by a blank
 *
 * Reading needs no script. Rows and announcements are written by scripts, which are atomic and declare all of
 * their keys. Without a script, a node claims an empty state with HSETNX (identity and layout), and removes
 * itself from the last hash with HDEL when it ends. */
#include "layout.h"

#include "presenced/siphash.h"

#include <assert.h>
#include <stdio.h>

static_assert(LAYOUT_N_ALL_LEAVES == LAYOUT_N_BUCKETS * LAYOUT_N_LEAVES, "the leaves of all buckets");

struct layout_place layout_place(struct str field)
{
    /* Must be the same on all nodes, forever. It need not be secret: a client that chooses user ids gains
     * nothing by filling one leaf. */
    static const struct siphash_key key = {UINT64_C(0x70726573656e6365), UINT64_C(0x64207265706c6963)};
    uint64_t hash = siphash(&key, (const uint8_t *)field.ptr, field.len);
    unsigned leaf = (unsigned)(hash % LAYOUT_N_ALL_LEAVES);
    return (struct layout_place){leaf / LAYOUT_N_LEAVES, leaf};
}

static struct str key_of(unsigned bucket, const char *name, char *ret_key)
{
    int len = snprintf(ret_key, LAYOUT_KEY_SIZE, "presenced:{%u}:%s", bucket, name);
    return (struct str){ret_key, (size_t)len};
}

struct str layout_state_key(unsigned bucket, char ret_key[static LAYOUT_KEY_SIZE])
{
    return key_of(bucket, "state", ret_key);
}

struct str layout_log_key(unsigned bucket, char ret_key[static LAYOUT_KEY_SIZE])
{
    return key_of(bucket, "log", ret_key);
}

struct str layout_leaf_key(unsigned leaf, char ret_key[static LAYOUT_KEY_SIZE])
{
    char name[16];
    (void)snprintf(name, sizeof(name), "rows:%u", leaf % LAYOUT_N_LEAVES);
    return key_of(leaf / LAYOUT_N_LEAVES, name, ret_key);
}

/* Strings are compared byte by byte, because < in Lua uses strcoll() and so depends on the engine's
 * locale. */
#define COMMON                                                                                        \
    "if redis.call('HGET', KEYS[1], 'identity') ~= ARGV[1] then\n"                                    \
    "  return redis.error_reply('" LAYOUT_IDENTITY_ERROR " of the data is another one')\n"            \
    "end\n"                                                                                           \
    "local function is_older(a, b)\n"                                                                 \
    "  local i, j = 8 + a:byte(1), 8 + b:byte(1)\n"                                                   \
    "  while true do\n"                                                                               \
    "    local x, y = a:byte(i), b:byte(j)\n"                                                         \
    "    if x ~= y then return not x or (y ~= nil and x < y) end\n"                                   \
    "    if not x then return false end\n"                                                            \
    "    i, j = i + 1, j + 1\n"                                                                       \
    "  end\n"                                                                                         \
    "end\n"                                                                                           \
    "local rows = {}\n"                                                                               \
    "local function append(text)\n"                                                                   \
    "  rows[#rows + 1] = string.char(math.floor(#text / 256), #text % 256)\n"                         \
    "  rows[#rows + 1] = text\n"                                                                      \
    "end\n"                                                                                           \
    "local function log(kind)\n"                                                                      \
    "  local sequence = redis.call('HINCRBY', KEYS[1], 'sequence', 1)\n"                              \
    "  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 's', sequence, 'n', ARGV[3], kind,\n" \
    "             table.concat(rows))\n"                                                              \
    "end\n"

const char layout_merge_script[] = COMMON
    "local changed = 0\n"
    "for i = 4, #ARGV, 3 do\n"
    "  local key, field, value = KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2]\n"
    "  local old = redis.call('HGET', key, field)\n"
    "  if not old or (old ~= value and is_older(old, value)) then\n"
    "    redis.call('HSET', key, field, value)\n"
    "    append(field)\n"
    "    append(value)\n"
    "    changed = changed + 1\n"
    "  end\n"
    "end\n"
    "if changed > 0 then log('rows') end\n"
    "return changed\n";

const char layout_forget_script[] = COMMON
    "local known = {}\n"
    "for i = 5, #ARGV, 2 do\n"
    "  known[ARGV[i]] = ARGV[i + 1]\n"
    "  append(ARGV[i])\n"
    "  append(ARGV[i + 1])\n"
    "end\n"
    "local held, fields, knows_more = {}, {}, false\n"
    "local all = redis.call('HGETALL', KEYS[3])\n"
    "for i = 1, #all, 2 do\n"
    "  local field, value = all[i], all[i + 1]\n"
    "  if field:sub(1, #ARGV[4]) == ARGV[4] then\n"
    "    fields[#fields + 1] = field\n"
    "    held[#held + 1] = field\n"
    "    held[#held + 1] = value\n"
    "    knows_more = knows_more or not known[field] or is_older(known[field], value)\n"
    "  end\n"
    "end\n"
    "if knows_more then return held end\n"
    "if #fields > 0 then\n"
    "  redis.call('HDEL', KEYS[3], unpack(fields))\n"
    "  log('gone')\n"
    "end\n"
    "return {}\n";

/* After a failover, the clock of the new primary may be behind, hence math.abs(). Live nodes soon announce
 * themselves again by its clock. */
const char layout_announce_script[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f ', now) .. ARGV[2])\n"
    "local living = {}\n"
    "local all = redis.call('HGETALL', KEYS[1])\n"
    "for i = 1, #all, 2 do\n"
    "  local announced, apps = all[i + 1]:match('^(%d+) (.*)$')\n"
    "  if announced and math.abs(now - tonumber(announced)) <= " LAYOUT_NODE_LIFETIME_MS " then\n"
    "    living[#living + 1] = all[i]\n"
    "    living[#living + 1] = apps\n"
    "  else\n"
    "    redis.call('HDEL', KEYS[1], all[i])\n"
    "  end\n"
    "end\n"
    "return living\n";
