// The compiled part of the library: what <vos/vos.hpp> declares, defined once for all programs that link `vos-torch`.
#include <vos/models.hpp>
