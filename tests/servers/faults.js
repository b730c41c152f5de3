// The fault proxy of nginx-start: decides for each request, by DIR/fault.json, whether it is passed on unchanged,
// delayed, refused, falsified or left hanging. What each rule means stands in nginx-start.
import fs from 'fs';

function sleep(ms) { return new Promise((done) => setTimeout(done, ms)); }

function refuse(r, status, code, more) {
  r.headersOut['Content-Type'] = 'application/xml';
  r.return(status, '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>' + code + '</Code><Message>' + code +
    ' says the fault proxy</Message>' + (more || '') + '<RequestId>0</RequestId></Error>');
}

// counted notes one more falsified request in DIR/hits and gives how many there were before.
function counted(r) {
  let file = r.variables.fault_dir + '/hits', before = 0;
  try { before = fs.statSync(file).size; } catch (e) { /* the first one */ }
  fs.appendFileSync(file, '.');
  return before;
}

// enter notes a request as under way, and in DIR/at-once how many are; it is not allowed where `most` are
// that are. Workers share nothing but files.
function enter(r, most) {
  let folder = r.variables.fault_dir + '/under-way';
  try { fs.mkdirSync(folder); } catch (e) { /* it is there */ }
  let others = fs.readdirSync(folder), allowed = others.filter((name) => name[0] == 'y').length < most;
  let file = folder + '/' + (allowed ? 'yes-' : 'no-') + process.pid + '-' + r.variables.connection;
  fs.writeFileSync(file, '');
  fs.appendFileSync(r.variables.fault_dir + '/at-once', others.length + 1 + '\n');
  return { file, allowed };
}

// rule_for gives the first rule that fits the request, or null.
function rule_for(r) {
  let rules = JSON.parse(fs.readFileSync(r.variables.fault_dir + '/fault.json'));
  if (!Array.isArray(rules)) rules = [rules];
  for (let i = 0; i < rules.length; i++) {
    let rule = rules[i];
    if (rule.match && !new RegExp(rule.match).test(r.variables.request_uri)) continue;
    if (rule.range && !new RegExp(rule.range).test(r.headersIn.Range || '')) continue;
    return rule;
  }
  return null;
}

// asked_range parses "bytes=A-B"; null for anything else.
function asked_range(r) {
  let found = /^bytes=(\d+)-(\d+)$/.exec(r.headersIn.Range || '');
  return found && { from: Number(found[1]), to: Number(found[2]) };
}

function range(from, to) { return 'bytes=' + from + '-' + Math.max(from, to); }

function listing(r, change) {
  r.subrequest('/.fault-upstream').then((reply) => {
    r.headersOut['Content-Type'] = 'application/xml';
    r.return(200, change(reply.responseText));
  });
}

function endless(r, token) {
  r.variables.fault_uri = r.variables.request_uri.replace(/&?continuation-token=[^&]*/, '');
  listing(r, (xml) => xml.replace(/<IsTruncated>.*<\/IsTruncated>/, '<IsTruncated>true</IsTruncated>')
    .replace(/<NextContinuationToken>.*<\/NextContinuationToken>/, '')
    .replace('</IsTruncated>', '</IsTruncated><NextContinuationToken>' + token + '</NextContinuationToken>'));
}

// stall sends the headers of a good answer for a range, and nothing after them.
function stall(r) {
  let asked = asked_range(r);
  if (!asked) return refuse(r, 400, 'InvalidRequest');
  r.variables.fault_range = range(asked.from, asked.from);
  r.subrequest('/.fault-upstream').then((reply) => {
    let total = Number(reply.headersOut['Content-Range'].split('/')[1]), to = Math.min(asked.to, total - 1);
    r.status = 206;
    r.headersOut.ETag = reply.headersOut.ETag;
    r.headersOut['Content-Length'] = String(to - asked.from + 1);
    r.headersOut['Content-Range'] = 'bytes ' + asked.from + '-' + to + '/' + total;
    r.sendHeader();
    return sleep(600000).then(() => r.finish());
  });
}

// hold waits until the rules say something else of the request.
async function hold(r) {
  for (let rule = rule_for(r); rule && rule.phold; rule = rule_for(r)) await sleep(50);
  return '@up';
}

const entities = '<!DOCTYPE ListBucketResult [<!ENTITY a "0123456789"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">' +
  '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY x SYSTEM "file:///etc/passwd">]>';

// Each fault takes the request and answers it, or sets how it is passed on and gives the location that does so.
const faults = {
  p503: (r) => refuse(r, 503, 'SlowDown'),
  p500: (r) => refuse(r, 500, 'InternalError'),
  p403: (r) => refuse(r, 403, 'AccessDenied'),
  preset: (r) => r.return(444),
  phang: (r) => sleep(600000).then(() => r.return(504)),
  ptrunc: () => '@cut',
  pstall: (r) => stall(r),
  phold: (r) => hold(r),
  ptrickle: (r) => { r.variables.fault_rate_after = '1000'; r.variables.fault_rate = '1'; return '@up'; },
  pshort: (r) => { let a = asked_range(r); if (a) r.variables.fault_range = range(a.from, a.from + ((a.to - a.from) >> 1)); return '@up'; },
  plong: (r) => { let a = asked_range(r); if (a) r.variables.fault_range = range(a.from, a.to + 4096); return '@up'; },
  pshift: (r) => { let a = asked_range(r); if (a) r.variables.fault_range = range(a.from + 7, a.to + 7); return '@up'; },
  p200: (r) => { r.variables.fault_range = ''; return '@up'; },
  prange: () => '@mislabel',
  ptotal: () => '@mistotal',
  pgarbage: (r) => r.return(200, '\u0001\u0002 this is <no XML> at all ]]> &'),
  pxmlcut: (r) => listing(r, (xml) => xml.slice(0, xml.length >> 1)),
  pdoctype: (r) => listing(r, (xml) => xml.replace('<ListBucketResult', entities + '<ListBucketResult')
    .replace('</ListBucketResult>', '<Contents><Key>&d;&x;</Key><Size>1</Size><ETag>"1"</ETag></Contents></ListBucketResult>')),
  pstuck: (r) => endless(r, 'the-same-for-ever'),
  pspin: (r) => endless(r, 'new-' + Math.random()),
};

// wrong_region answers a request signed for another region as S3 does; false where the region is right. With
// `region_next` no region is ever right.
function wrong_region(r, rule) {
  let scope = /Credential=[^,]*\/\d{8}\/([^\/,]*)\/s3\/aws4_request/.exec(r.headersIn.Authorization || '');
  let wanted = rule.region;
  if (!wanted) return false;
  if (scope && scope[1] == wanted) {
    if (!rule.region_next) return false;
    wanted = rule.region_next;
  }
  if (rule.region_form == '400') {
    refuse(r, 400, 'AuthorizationHeaderMalformed', '<Region>' + wanted + '</Region>');
  } else {
    r.headersOut['x-amz-bucket-region'] = wanted;
    refuse(r, 301, 'PermanentRedirect', '<Endpoint>' + r.headersIn.Host + '</Endpoint>');
  }
  return true;
}

function pick(rule) {
  let x = Math.random(), names = Object.keys(faults);
  for (let i = 0; i < names.length; i++) if ((x -= rule[names[i]] || 0) < 0) return names[i];
  return '';
}

async function proxy(r) {
  let rule = rule_for(r);
  if (!rule || (rule.first !== undefined && counted(r) >= rule.first)) return r.internalRedirect('@up');
  if (rule.first === undefined) counted(r);
  let wait = (rule.delay_ms || 0) + Math.random() * (rule.jitter_ms || 0);
  let entered = rule.most && enter(r, rule.most);
  if (wait > 0) await sleep(wait);
  if (entered) fs.unlinkSync(entered.file);
  if (entered && !entered.allowed) return refuse(r, 503, 'SlowDown');
  if (wrong_region(r, rule)) return;
  if (rule.rate) r.variables.fault_rate = rule.rate;
  if (rule.swap) r.variables.fault_uri = r.variables.request_uri.replace(/^\/[^\/]*/, '/' + rule.swap);
  if (rule.if_match === false) r.variables.fault_if_match = '';
  let name = pick(rule), where = name ? await faults[name](r) : '@up';
  if (where && where[0] == '@') r.internalRedirect(where);
}

// mislabel and mistotal leave the body as it is and spoil what Content-Range says of it.
function mislabel(r) {
  let was = r.headersOut['Content-Range'], found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(was || '');
  if (found) r.headersOut['Content-Range'] = 'bytes ' + (Number(found[1]) + 4096) + '-' + (Number(found[2]) + 4096) + '/' + found[3];
}

function mistotal(r) {
  let was = r.headersOut['Content-Range'];
  if (was) r.headersOut['Content-Range'] = was.replace(/\/(\d+)$/, (whole, total) => '/' + (Number(total) + 1));
}

// cut lets half of what Content-Length promised through and ends; the location closes the connection. The one request
// a context of this script lives for is the reason why `passed` may stand outside.
let passed = 0;
function cut(r, data, flags) {
  let half = Number(r.headersOut['Content-Length'] || 0) >> 1, rest = half - passed;
  if (rest < 0) return;
  passed += data.length;
  if (data.length < rest && !flags.last) return r.sendBuffer(data, flags);
  passed = half + 1;
  r.sendBuffer(data.slice(0, rest), { last: true, flush: true });
}

export default { proxy, mislabel, mistotal, cut };
