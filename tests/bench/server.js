// The S3 side of the benchmarks' nginx (see server.py): waits before an answer where it shall, and lists buckets fast
// enough not to be what is measured: a bucket's entries lie as one ASCII text in key order, of which a page is a slice.
const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

function sleep(ms) { return new Promise((done) => setTimeout(done, ms)); }

async function delayed(r) {
  await sleep(Number(r.variables.delay_ms));
  r.internalRedirect('@object');
}

// bytes turns "a%C3%BC" into its bytes, one character each, which compare as S3 compares keys.
function bytes(encoded) {
  return encoded.indexOf('%') < 0 ? encoded :
    encoded.replace(/%([0-9A-Fa-f]{2})/g, (whole, hex) => String.fromCharCode(parseInt(hex, 16)));
}

function encode(key) {
  return key.replace(/[^A-Za-z0-9\-._~\/]/g, (c) => '%' + (c.charCodeAt(0) + 256).toString(16).slice(1).toUpperCase());
}

function answer_xml(r, status, body) {
  r.headersOut['Content-Type'] = 'application/xml';
  r.return(status, '<?xml version="1.0" encoding="UTF-8"?>\n' + body);
}

function error(r, status, code) {
  answer_xml(r, status, '<Error><Code>' + code + '</Code><Message>' + code + ' says the test server</Message></Error>');
}

function missing(r) { error(r, 404, 'NoSuchKey'); }

// encoded_key reads a key out of its entry, `<Contents><Key>…</Key>…`.
function encoded_key(known, i) {
  let entry = known.text.slice(known.at[i], known.at[i + 1]);
  return entry.slice(15, entry.indexOf('</Key>'));
}

function lower_bound(known, wanted) {
  let low = 0, high = known.at.length - 1;
  while (low < high) {
    let middle = (low + high) >> 1;
    if (bytes(encoded_key(known, middle)) < wanted) low = middle + 1; else high = middle;
  }
  return low;
}

// first_after gives the place of the first key behind all those that begin with prefix.
function first_after(known, prefix) {
  let last = prefix.length - 1;
  if (last < 0) return known.at.length - 1;
  return lower_bound(known, prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1));
}

function parameters(r) {
  let found = {};
  (r.variables.args || '').split('&').forEach((part) => {
    let at = part.indexOf('=');
    if (part) found[at < 0 ? part : part.slice(0, at)] = at < 0 ? '' : bytes(part.slice(at + 1).replace(/\+/g, ' '));
  });
  return found;
}

// delimited walks the keys one by one, since keys that share a prefix up to the delimiter count as one.
function delimited(known, at, end, asked) {
  let found = { text: '', count: 0, last: '', truncated: false }, items = [], prefixes = [];
  for (; at < end; at++) {
    if (found.count >= asked.max) { found.truncated = true; break; }
    let encoded = encoded_key(known, at), key = bytes(encoded), cut = key.indexOf(asked.delimiter, asked.prefix.length);
    found.count++;
    found.last = cut < 0 ? key : key.slice(0, cut + asked.delimiter.length);
    if (cut < 0) {
      items.push(known.text.slice(known.at[at], known.at[at + 1]));
    } else {
      prefixes.push('<CommonPrefixes><Prefix>' + encode(found.last) + '</Prefix></CommonPrefixes>');
      at = first_after(known, found.last) - 1;
    }
  }
  found.text = items.join('') + prefixes.join('');
  return found;
}

function page(known, asked) {
  let at = lower_bound(known, asked.prefix), end = first_after(known, asked.prefix);
  if (asked.after) {
    let whole = asked.delimiter && asked.after.endsWith(asked.delimiter);
    let behind = whole ? first_after(known, asked.after) : lower_bound(known, asked.after + '\u0000');
    if (behind > at) at = behind;
  }
  if (asked.delimiter) return delimited(known, at, end, asked);
  let stop = Math.max(at, Math.min(end, at + asked.max)), last = stop > at ? bytes(encoded_key(known, stop - 1)) : '';
  return { text: known.text.slice(known.at[at], known.at[stop]), count: stop - at, last: last, truncated: stop < end };
}

// bucket answers ListObjectsV2, GetBucketLocation and HeadBucket. The entries are kept with encoded keys; decoded where
// the client asks for no encoding, they need no escaping for XML, because server.py takes no such keys.
async function bucket(r) {
  let name = r.uri.split('/')[1], known = index[name], a = parameters(r), delay = Number(r.variables.delay_ms);
  if (delay) await sleep(delay);
  if (!known) return error(r, 404, 'NoSuchBucket');
  if (r.method == 'HEAD') return r.return(200);
  if ('location' in a) return answer_xml(r, 200, '<LocationConstraint xmlns="' + NAMESPACE + '"></LocationConstraint>');
  if (a['list-type'] != '2') return error(r, 501, 'NotImplemented');
  let url = a['encoding-type'] == 'url', show = url ? encode : (s) => s, token = a['continuation-token'];
  let found = page(known, {
    prefix: a.prefix || '', delimiter: a.delimiter || '', after: token ? atob(token) : a['start-after'] || '',
    max: Math.min(1000, Number(a['max-keys'] || 1000)),
  });
  answer_xml(r, 200, '<ListBucketResult xmlns="' + NAMESPACE + '"><Name>' + name + '</Name>' +
    '<Prefix>' + show(a.prefix || '') + '</Prefix><KeyCount>' + found.count + '</KeyCount><MaxKeys>1000</MaxKeys>' +
    (a.delimiter ? '<Delimiter>' + show(a.delimiter) + '</Delimiter>' : '') +
    (url ? '<EncodingType>url</EncodingType>' : '') + '<IsTruncated>' + found.truncated + '</IsTruncated>' +
    (found.truncated ? '<NextContinuationToken>' + btoa(found.last) + '</NextContinuationToken>' : '') +
    (url ? found.text : bytes(found.text)) + '</ListBucketResult>');
}

export default { bucket, delayed, missing };
