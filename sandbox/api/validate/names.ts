// The rules for names, labels and annotations (k8s.io/apimachinery, pkg/util/validation). Each returns what is wrong
// with the text, or "" when it is valid.

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dnsLabel = new RegExp(`^${label}$`);
const dns1035Label = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const dnsSubdomain = new RegExp(`^${label}(\\.${label})*$`);
const qualifiedPart = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

export function isDnsLabel(text: string): string {
  if (text.length > 63) return "must be no more than 63 characters";
  if (dnsLabel.test(text)) return "";
  return `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`;
}

export function isDns1035Label(text: string): string {
  if (text.length > 63) return "must be no more than 63 characters";
  if (dns1035Label.test(text)) return "";
  return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
}

export function isDnsSubdomain(text: string): string {
  if (text.length > 253) return "must be no more than 253 characters";
  if (dnsSubdomain.test(text)) return "";
  return `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${label}(\\.${label})*')`;
}

/** A label key, an annotation key or a finalizer: `[prefix/]name`. */
export function isQualifiedName(text: string): string {
  const slash = text.lastIndexOf("/");
  const name = text.slice(slash + 1);
  if (slash >= 0 && isDnsSubdomain(text.slice(0, slash)) !== "")
    return "prefix part must be a lowercase RFC 1123 subdomain";
  if (name.length > 63) return "name part must be no more than 63 characters";
  if (qualifiedPart.test(name)) return "";
  return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
}

export function isLabelValue(text: string): string {
  if (text.length > 63) return "must be no more than 63 characters";
  if (text === "" || qualifiedPart.test(text)) return "";
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
}
