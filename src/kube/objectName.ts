// What the API server takes as the name of an object of most kinds (RFC 1123, a subdomain), a little more than that.

const form = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

export const isObjectName = (name: string): boolean => form.test(name);
