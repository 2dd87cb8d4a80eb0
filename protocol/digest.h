/*
 * The hashes that the two authentication plugins are made of, one function per formula of auth.h.
 */
#ifndef PROTOCOL_DIGEST_H
#define PROTOCOL_DIGEST_H

#include "protocol/auth.h"

/* The hashes of a password that a credential may hold. */
void native_sha1_of(struct bytes password, uint8_t sha1[NATIVE_HASH_SIZE]);
void native_hash_of_sha1(const uint8_t sha1[NATIVE_HASH_SIZE], uint8_t hash[NATIVE_HASH_SIZE]);
void sha2_hash_of(struct bytes password, uint8_t hash[SHA2_HASH_SIZE]);

/* The response to a scramble, from SHA1(password) or from the password. */
void native_response(const uint8_t sha1[NATIVE_HASH_SIZE], const uint8_t scramble[SCRAMBLE_SIZE],
                     uint8_t response[NATIVE_HASH_SIZE]);
void sha2_response(struct bytes password, const uint8_t scramble[SCRAMBLE_SIZE],
                   uint8_t response[SHA2_HASH_SIZE]);

/*
 * Does the response prove the password behind `hash`? In constant time. The native check also gives
 * SHA1(password), which the response reveals to whoever has the hash.
 */
MUST_USE bool native_check(struct bytes response, const uint8_t hash[NATIVE_HASH_SIZE],
                           const uint8_t scramble[SCRAMBLE_SIZE], uint8_t sha1[NATIVE_HASH_SIZE]);
MUST_USE bool sha2_check(struct bytes response, const uint8_t hash[SHA2_HASH_SIZE],
                         const uint8_t scramble[SCRAMBLE_SIZE]);

/*
 * A hash as servers print it for mysql_native_password: '*' and forty hexadecimal digits, in either
 * case. False for anything else.
 */
MUST_USE bool native_hash_from_text(struct bytes text, uint8_t hash[NATIVE_HASH_SIZE]);

#endif
