/* seraph/seraph.h - the whole plugin ABI in one include. Start reading at plugin.h, then attack.h. */
#ifndef SERAPH_SERAPH_H
#define SERAPH_SERAPH_H

#include <seraph/attack.h>
#include <seraph/base.h>
#include <seraph/host.h>
#include <seraph/oracle.h>
#include <seraph/param.h>
#include <seraph/plugin.h>
#include <seraph/rng.h>
#include <seraph/tensor.h>
#include <seraph/victim.h>

#endif /* SERAPH_SERAPH_H */
