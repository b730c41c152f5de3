// What nginx cannot say by itself when it plays S3 for nginx-start: bucket listings, S3's error bodies and objects that
// are in the index only. Keys are held as byte strings (one character a byte), so they compare as S3 compares them.

function escape(s) {
  return s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;').replace(/\r/g, '&#13;');
}

// bytes turns "a%C3%BC" into its bytes, one character each.
function bytes(encoded) {
  return encoded.replace(/%([0-9A-Fa-f]{2})/g, (whole, hex) => String.fromCharCode(parseInt(hex, 16)));
}

function encode(key) {
  return key.replace(/[^A-Za-z0-9\-._~\/]/g, (c) => {
    let hex = c.charCodeAt(0).toString(16).toUpperCase();
    return hex.length < 2 ? '%0' + hex : '%' + hex;
  });
}

function lower_bound(keys, wanted) {
  let low = 0, high = keys.length;
  while (low < high) {
    let middle = (low + high) >> 1;
    if (keys[middle] < wanted) low = middle + 1; else high = middle;
  }
  return low;
}

// first_after gives the place of the first key that does not begin with prefix and stands behind all that do.
function first_after(keys, prefix) {
  let last = prefix.length - 1;
  if (last < 0) return keys.length;
  return lower_bound(keys, prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1));
}

function parameters(r) {
  let found = {}, query = r.variables.args || '';
  query.split('&').forEach((part) => {
    let at = part.indexOf('=');
    if (part) found[at < 0 ? part : part.slice(0, at)] = at < 0 ? '' : bytes(part.slice(at + 1).replace(/\+/g, ' '));
  });
  return found;
}

function answer_xml(r, status, body) {
  r.headersOut['Content-Type'] = 'application/xml';
  r.return(status, '<?xml version="1.0" encoding="UTF-8"?>\n' + body);
}

function error(r, status, code, more) {
  answer_xml(r, status, '<Error><Code>' + code + '</Code><Message>' + code + ' says the test server</Message>' + (more || '') +
    '<RequestId>0</RequestId></Error>');
}

function precondition(r) { error(r, 412, 'PreconditionFailed'); }
function bad_range(r) { error(r, 416, 'InvalidRange'); }

// place splits the request's own path into bucket and key, both as bytes.
function place(r) {
  let path = r.variables.request_uri.split('?')[0], at = path.indexOf('/', 1);
  return at < 0 ? { bucket: bytes(path.slice(1)), key: '' } : { bucket: bytes(path.slice(1, at)), key: bytes(path.slice(at + 1)) };
}

// indexed answers for a key without a file of its own: the bytes of the file its index line names, or NoSuchKey.
function indexed(r) {
  let where = place(r), known = index[where.bucket];
  if (!known) return error(r, 404, 'NoSuchBucket');
  let at = lower_bound(known.keys, where.key);
  if (known.keys[at] !== where.key || !known.files[at]) return error(r, 404, 'NoSuchKey');
  r.internalRedirect('/.file/' + encode(known.files[at]));
}

function contents(known, at, url) {
  return '<Contents><Key>' + (url ? encode(known.keys[at]) : known.xml[at]) + '</Key>' + known.entries[at] + '</Contents>';
}

// page walks the index: {items, count, last, truncated}; keys sharing a delimited prefix count as one.
function page(known, asked) {
  let keys = known.keys, end = first_after(keys, asked.prefix), at = lower_bound(keys, asked.prefix);
  let found = { items: [], prefixes: [], last: '', truncated: false };
  if (asked.after) {
    let behind = asked.delimiter && asked.after.endsWith(asked.delimiter) ? first_after(keys, asked.after) : lower_bound(keys, asked.after);
    if (keys[behind] === asked.after) behind++;
    if (behind > at) at = behind;
  }
  for (; at < end; at++) {
    if (found.items.length + found.prefixes.length >= asked.max) { found.truncated = asked.max > 0; break; }
    let key = keys[at], cut = asked.delimiter ? key.indexOf(asked.delimiter, asked.prefix.length) : -1;
    found.last = key;
    if (cut < 0) { found.items.push(contents(known, at, asked.url)); continue; }
    found.last = key.slice(0, cut + asked.delimiter.length);
    found.prefixes.push('<CommonPrefixes><Prefix>' + asked.show(found.last) + '</Prefix></CommonPrefixes>');
    at = first_after(keys, found.last) - 1;
  }
  return found;
}

// bucket answers ListObjectsV2, GetBucketLocation and HeadBucket. Tokens are base64, as full of + / = as those of AWS.
function bucket(r) {
  let name = place(r).bucket, known = index[name], a = parameters(r);
  if (!known) return error(r, 404, 'NoSuchBucket');
  if (r.method == 'HEAD') return r.return(200);
  if ('location' in a) return answer_xml(r, 200, '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>');
  if (a['list-type'] != '2') return error(r, 501, 'NotImplemented');
  let url = a['encoding-type'] == 'url', show = url ? encode : escape;
  let max = a['max-keys'] === undefined ? 1000 : Math.min(1000, Number(a['max-keys'])), after = a['start-after'] || '';
  if (a['continuation-token'] !== undefined) {
    after = a['continuation-token'].startsWith('1') ? atob(a['continuation-token'].slice(1)) : '';
    if (!after) return error(r, 400, 'InvalidArgument');
  }
  let found = page(known, { prefix: a.prefix || '', delimiter: a.delimiter || '', after: after, max: max, url: url, show: show });
  answer_xml(r, 200, '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>' + name + '</Name>' +
    '<Prefix>' + show(a.prefix || '') + '</Prefix><KeyCount>' + (found.items.length + found.prefixes.length) + '</KeyCount>' +
    '<MaxKeys>' + max + '</MaxKeys>' + (a.delimiter ? '<Delimiter>' + show(a.delimiter) + '</Delimiter>' : '') +
    (url ? '<EncodingType>url</EncodingType>' : '') + '<IsTruncated>' + found.truncated + '</IsTruncated>' +
    (found.truncated ? '<NextContinuationToken>1' + btoa(found.last) + '</NextContinuationToken>' : '') +
    found.items.join('') + found.prefixes.join('') + '</ListBucketResult>');
}

export default { bucket, indexed, precondition, bad_range };
