// A log of 300 records "record 0" to "record 299", its proof of record 123 and a cosigned
// checkpoint, made by Python (hashlib, `cryptography`): the log's Ed25519 seed is bytes 0 to 31,
// the witness's 32 to 63.
#ifndef TESTS_DAEMON_AUDIT_TLOG_TLOG_VECTOR_H_
#define TESTS_DAEMON_AUDIT_TLOG_TLOG_VECTOR_H_

#include <cstdint>

namespace daemon_audit {

inline constexpr char kVectorLogPem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
    "-----END PRIVATE KEY-----\n";
inline constexpr char kVectorLogKey[] =
    "redoubt.example/log+16ba79c5+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
inline constexpr char kVectorWitnessKey[] =
    "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
inline constexpr std::uint64_t kVectorWitnessTime = 1679315147;
inline constexpr char kVectorProof[] =
    "c2sp.org/tlog-proof@v1\n"
    "index 123\n"
    "1xxkbtZgit1EcSzcGeWziongbqxhe/tghfU+INBp/os=\n"
    "k4BFs8+F8hOF+t+J9QxnyPg5lduuiW2tR3vCdB5hDzE=\n"
    "lJgXXW+VjQNgzgtqrRzcjZ8fFaRyBt4mXNBBiJpQ/nI=\n"
    "LEjxHxvGSBuP8NPcH8nJJxTmTNz9K8m7q2BWB3XltG8=\n"
    "y8INO4frni0fE0fCPlT4Vcys0FgNjyshCMhUAOuuoik=\n"
    "tkJ9ZUJDynaivnV0YeWE0Zr0/ku44aFN5DROKhaxUCI=\n"
    "tNmI7XQ4V8ZkwmxNSmCn7NPkT8xyTNXzL1L3mvqojcg=\n"
    "yLG1nn/eywY2+aI+2+hYZWFLKkmVE30DZVCTumCqmbY=\n"
    "uwaa/GEGqF4PM03Df+GfKIyZ5+fHBsK9y3f1tqCMyf8=\n"
    "\n"
    "redoubt.example/log\n"
    "300\n"
    "gw31yQrqZZCcEOPrzX+bpy3nJ6QgngTKn8G1m0i62uU=\n"
    "\n"
    "\xE2\x80\x94 redoubt.example/log "
    "Frp5xfdCZpG9iSVyQgVayGDWqEpvWaVkSPSTVJZUmo3ZazsubnzB9xFN9JW+kKJiLkhgExJ56n2BF4IVed+LB8eRIQQ=\n"
    "\xE2\x80\x94 witness.example/w1 "
    "IDJKvgAAAABkGFDLtrh4RLCuPO6dtIGEps3AYzvbCtBIt65XGzaoxXvFl3zikl0gbns/"
    "huH61Rs3HfL7P1FezaoDjDxo2tBN7uSRBw==\n";

}  // namespace daemon_audit

#endif  // TESTS_DAEMON_AUDIT_TLOG_TLOG_VECTOR_H_
