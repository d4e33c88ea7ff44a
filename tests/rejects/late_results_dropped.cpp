// expects: discards qualifiers|cannot convert|no viable conversion|conversion from
#include <vos/segment/results.hpp>

// A kept list must be looped over: reading it as one result is for the value that push() just gave.
vos::FrameResult first_of(vos::Results& kept) { return kept; }  // reject
