"""Small templates that make.py renders: each shows one construct, one filter or one rule of white space."""

# One expression a line; each is rendered as {{ expression }}.
EXPRESSIONS = r"""
s|length
u|length
u[3]
u[-1]
u[::-1]
u[2:9:2]
u[9:2:-2]
u[-5:]
u[:-5]
u|upper
u|lower
u|title
u.title()
u|capitalize
u.swapcase()
s.split()
s.split('o')
s.split('o',1)
s.rsplit('o',1)
'a,b,,c'.split(',')
'  a b  c '.split(none,1)
'  a b  c '.rsplit(none,1)
ws.strip()|length
ws|trim
'xxabcxx'.strip('x')
'xxabcxx'.lstrip('x')
'xxabcxx'.rstrip('x')
'abc'.replace('','-')
'aaaa'.replace('a','b',2)
'aaaa'|replace('a','b',2)
'%s is %d' % ('x', 5)
'%5.2f|%-5s|%05d|%x|%r' % (3.14159, 'ab', 42, 255, 'q')
'%(a)s %(b)d' % {'a': 1, 'b': 2}
'%s' % 'x'
'%s' % [1,2]
'%s %s' % (1,)
'%s' % (1,2)
'%%' % ()
'%d' % 2.7
'%d' % 'x'
'%e %g' % (12345.678, 0.0001)
'{} {} {0}'.format(1,2)
'{} {}'.format(1,2)
'{1} {0}'.format(1,2)
'{a} {b.x} {b[y]}'.format(a=1,b={'y':3})
'{:>10}|{:<5}|{:^7}|{:*^9}'.format('a','b','c','d')
'{:05d} {:,} {:.3f} {:x} {:#x} {:+d} {:e} {:%}'.format(42,1234567,3.14159,255,255,5,12345.678,0.25)
'{!r} {!s}'.format('a','b')
'{{}}'.format()
'{:.2}'.format('abcdef')
'{:8.3f}|{:<8.3f}|{:08.3f}'.format(3.14159,3.14159,-3.14159)
1/2
7//2
-7//2
7%3
-7%3
7%-3
2**10
2**-1
2**0.5
1/0
1//0
1%0
7.5//2
-7.5//2
7.5%2
-7.5%2
1e16
1e15
1e-5
0.0001
123456789012345680.0
1.0
100.0
1.5e300*1e10
0.1+0.2
1e22
5e-324
3.0|int
-3.7|int
'42'|int
' 42 '|int
'4_2'|int
'0x1f'|int
'0x1f'|int(0,16)
'1f'|int(0,16)
'42.7'|int
'abc'|int
'abc'|int(7)
'abc'|int(default=9)
none|int
[]|int
''|float
'1.5'|float
'1e3'|float
'inf'|float
'nan'|float
'x'|float(2.0)
2.5|round
3.5|round
2.675|round(2)
42|round
42.55|round(1,'floor')
42.55|round(1,'ceil')
7|round(1,'ceil')
-2.5|abs
neg|abs
true|abs
true+true
true
none
nope
nope.x
nope|length
nope|list
nope|default('D')
e|default('D')
e|default('D',true)
none|default('D')
d.nope
d.nope.x
no.x
no.x.y
d.a.x[1]
d['a']['x'][-1]
d.items
d['items']
d.items()|list
d.keys()|list
d.values()|list
d.items()
d.keys()
d|items|list
d|dictsort
{'b':1,'A':2,'a':3}|dictsort
{'b':1,'A':2,'a':3}|dictsort(true)
{'b':1,'A':2,'a':3}|dictsort(by='value',reverse=true)
d.get('b')
d.get('zz')
d.get('zz',5)
d|length
d|list
'b' in d
'q' not in d
3 in l
'lo' in s
'' in s
3 in s
l in d
none in l
'x' in nope
'x' in none
l + [4]
l + (4,)
l * 2
2 * 'ab'
'ab' * 0
'ab' * -1
(1,)
(1,2)
()
[1,'a',none,true,2.0,{'k':'v'},(1,)]
{'a':1,2:'b',none:true,(1,2):3}
{'a':1,'a':2}
{1:1,true:2}
{[]:1}
l|sort
words|sort
words|sort(case_sensitive=true)
words|sort(reverse=true)
ms|sort(attribute='role')|map(attribute='role')|list
l|sort|reverse|list
l|reverse
l|min
l|max
words|min
words|max
[]|min
l|sum
['a']|sum
ms|map(attribute='content')|list
ms|map(attribute='nope')|list
ms|map(attribute='nope',default='-')|list
ms|selectattr('role','equalto','user')|list
ms|selectattr('role','==','user')|list|length
ms|selectattr('content')|map(attribute='content')|join(',')
ms|rejectattr('role','in',['user','tool'])|map(attribute='role')|list
ms|selectattr('tool_calls','defined')|list|length
l|select('odd')|list
l|reject('odd')|list
l|select('gt',1)|list
l|select|list
[1,1,2,'a','A']|unique|list
[[1],[1]]|unique|list
l|map('string')|join('-')
words|map('upper')|list
words|map('replace','a','X')|list
l|first
l|last
[]|first
s|first
s|last
s|list
s|join('-')
l|join
l|join('-')
ms|join(',', attribute='role')
[1,none,'x']|join('|')
l|batch(2)|list
l|batch(2,'x')|list
s|reverse
'a\nb\n\nc'|indent
'a\nb\n\nc'|indent(2,true)
'a\nb\n\nc'|indent('>>',false,true)
'a\nb\n'|indent
'foo bar baz qux'|truncate(9)
'foo bar baz qux'|truncate(9,true)
'foo bar baz qux'|truncate(11)
'foo bar baz qux'|truncate(9,leeway=0)
s|center(20)
'abc'.center(8)
'abc'.center(7)
'ab'.center(7)
'abc'.ljust(5,'.')
'abc'.rjust(5,'.')
'-42'.zfill(6)
'42'.zfill(6)
'<a href="x">\'&'|e
'<'|escape
'<b>'|safe
1|string
none|string
[1]|string
d|tojson
d|tojson(indent=2)
u|tojson
u|tojson(ensure_ascii=true)
[]|tojson(indent=2)
{}|tojson(indent=2)
[1,[2,{'a':[]}]]|tojson(indent=4)
{'b':1,'a':2}|tojson(sort_keys=true)
{'b':1,'a':2}|tojson(separators=(',',':'))
{1:2,none:3,true:4,1.5:6}|tojson
'a"b\c\n\t\x01\x7f/'|tojson
1.0|tojson
1e100|tojson
(1,2)|tojson
nope|tojson
[nope]|tojson
range(3)|tojson
big|tojson
big
big == big
'inf'|float|tojson
range(5)|list
range(2,10,3)|list
range(5,0,-2)|list
range(3)
range(1,3)
range(1,9,2)
range(10)[2:5]|list
range(5)[1]
range(1000000)
range(0)|list
1 < 2 < 3
1 < 3 < 2
1 == 1.0
1 == true
'a' < 'b'
[1,2] < [1,3]
1 < 'a'
none == none
nope == nope2
nope == none
nope < 1
'a' ~ 1 ~ none ~ 2.0
1 + 'a'
'a' + 1
'a' + nope
nope + 'a'
not true
not nope
true and 'x'
false or 'y'
'' or [] or 0
'x' if true else 'y'
'x' if false else 'y'
'x' if false
('x' if false) is defined
1 if false else 2 if true else 3
1 if false else 2 if false else 3
s is string
l is sequence
d is mapping
d is sequence
s is sequence
nope is sequence
nope is iterable
nope is mapping
n is number
true is number
true is integer
n is integer
f is float
f is number
none is none
nope is none
nope is defined
nope is not defined
nope is undefined
true is true
1 is true
false is false
none is not none
3 is odd
4 is even
4 is divisibleby 2
4 is divisibleby(3)
3 is in [1,2,3]
3 is in([1,2,3])
3 is eq 3
3 is eq(3)
3 is ne 4
3 is gt 2
3 is lt 2
3 is ge 3
3 is le 2
3 is equalto 3
'a' is odd
'abc' is lower
'ABC' is upper
'123' is upper
s is callable
range is callable
l is iterable
n is iterable
d.items() is iterable
d.items() is sequence
l|map('string') is iterable
1 is sameas 1
none is sameas none
true is sameas true
true is boolean
'trim' is filter
'nonsense' is filter
'defined' is test
l is string or d is mapping
not s is string
s.startswith('Hell')
s.startswith(('x','H'))
s.endswith('ld')
s.endswith(('x','y'))
s.startswith('World',6)
s.find('o')
s.find('o',5)
s.find('zz')
s.rfind('o')
s.index('o')
s.index('zz')
s.count('o')
s.count('')
u.find('你')
'-'.join(['a','b'])
'-'.join([1])
'-'.join('abc')
'-'.join(nope)
s.upper()
s.lower()
s.capitalize()
'hello wORLD-foo'.title()
'hello wORLD-foo (bar)'|title
'a\nb\r\nc'.splitlines()
'a\nb\n'.splitlines(true)
'a=b=c'.partition('=')
'a=b=c'.rpartition('=')
'abc'.partition('=')
'abc'.rpartition('=')
'prefix-x'.removeprefix('prefix-')
'x.txt'.removesuffix('.txt')
'123'.isdigit()
'12a'.isdigit()
''.isdigit()
'abc'.isalpha()
'ab1'.isalnum()
' \t'.isspace()
'abc'.islower()
'ABC'.isupper()
'ß'.upper()
'ǅ'.lower()
s.nope
s.nope()
s.__class__
s.__class__.__mro__
l.append(1)
l.append
d.update({})
d.pop('b')
l.index(1)
l.index(9)
l.count(1)
(1,2,1).count(1)
l.0
ms.0.role
ms[0].role
ms[-1]['role']
ms[9]
ms[9].role
ms['x']
ms[1:]|length
ms[::-1]|map(attribute='role')|list
ms[:1] + ms[2:]
l[none:2]
l['a':]
l[1.0]
l[true]
s[::0]
none[0]
nope[1:]
n[0]
d[['x']]
dict(a=1,b=2)
dict({'a':1},b=2)
dict([('a',1)])
namespace(a=1)
namespace(a=1).a
namespace(a=1).b
namespace(a=1)['a']
namespace({'q':2}).q
'it\'s'
['it\'s', 'say "x"', 'both \' "', 'tab\t', 'uni\u00e9', 'nb\xa0', '\x00', '\u200b']
'\x41\u00e9\U0001f642\101'
'\q'
'\é'
"a" 'b'
1_000
0x1F
0b101
0o17
1.5e3
1E5
1_0.5_0
012
1.
.5
1..2
a.1
-1
- 1
--1
-1|abs
-1 ** 2
2 ** 3 ** 2
not 1 == 2
1 + 2 * 3 - 4 / 2
'a' ~ 'b' + 'c'
1 ~ 2 + 3
(1 ~ 2)|int + 3
1 if 2
[1,2,3][1]
{'a':{'b':1}}.a.b
'abc'[1]
'abc'.upper()[1:]
[1,2,]
{'a':1,}
(1,2,)
[[1,2],[3]]|sum(start=[])
ms|sum(attribute='x')
l|first|string ~ 'x'
'%s' | format('x')
'%s-%s' | format(1, 2)
'%(a)s' | format(a=1)
'x'|attr('upper')
d|attr('b')
d|attr('get')
d|attr('keys')
raise_exception('boom')
raise_exception()
strftime_now('%Y-%m-%d %H:%M:%S %a %A %b %B %j %p %I %y %e %-d %-m %U %W %w %u %c %x %X %D %F %T %R %%')
strftime_now('%d %b %Y')
strftime_now(1)
foo()
n()
s()
range()
range('a')
loop
loop.index
s|foo
s is foo
s|trim|
s|trim()
[1,2
(1,2
{'a' 1}
{'a':}
1 +
* 2
s.
s..x
s[
s[1:2:3:4]
a b
1 2
'unclosed
if
else
not
x is
x is not
[*l]
foo(*l)
1 = 2
x := 1
a if
a ? b : c
`x`
$x
a && b
a; b
2 in [1,2] == true
1 in [1] in [[1]]
'a' 'b' ~ 'c'
true == True
none is None
s|length > 3
s|length + 1
-l|length
not l|length
l|length is odd
1|float|int|string|length
9223372036854775807
-9223372036854775807 - 1
10 ** 18
7 // -1
[1,2,3]|tojson|length
'a'|upper|lower|title|trim
'abc'|first|upper
s|e|upper
(s, n)
s, n
s if t else n, 5
{'x': s}.x[0]
d|tojson|safe
l|map('int')|sum
words|map('length')|list
words|map(attribute='0')|list
words|map(attribute=0)|list
d|map('upper')|list
u|tojson|length
'\n'
'a' in 'abc' and 'd' not in 'abc'
x.y is defined
d.x is defined
d.x.y is defined
d['x'] is defined
(d.a.x is defined) ~ (d.a.y is defined)
no is none and not no
'a' if no else 'b'
[1,2,3] == [1,2,3]
(1,2) == [1,2]
{'a':1} == {'a':1.0}
{'a':1,'b':2} == {'b':2,'a':1}
range(3) == range(3)
[nope]
[none, nope]
{'a': nope}
nope ~ 'x'
nope|upper
nope|trim
none|upper
none|trim
5|upper
[1]|upper
5|length
none|length
none|list
none|join
none|first
nope|first
nope|last
nope|join(',')
nope|sort
nope|map('upper')|list
none|map('upper')|list
nope|selectattr('a')|list
nope|int
nope|float
nope|string
nope|abs
nope|round
nope|dictsort
nope|items|list
5|items|list
nope|replace('a','b')
none|replace('n','m')
nope|reverse|list
none|reverse
nope is string
nope in [nope]
nope.x is defined
nope|default(nope2)
nope|d
nope|d('x')|upper
true|string
1.0|string
true|int
true|float
false|tojson
'abc'|batch(2)|map('join')|list
l|sum / l|length
(l|sum) / (l|length)
1.0 / 3
2 / 3 * 3
10 / 5
1e3|int
'1,2'|replace(',','.')|float
's' ~ 1.50
1.10
100000000000000000000.0
1e21
123456.789e3
0.00001234
1.0e-10
-0.0
0.0
"""

TEMPLATES = [
    '{% for x in l %}{{ x }}{% endfor %}',
    '{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }}|{% endfor %}',
    '{% for x in l %}{{ loop.previtem }}-{{ loop.nextitem }}|{% endfor %}',
    '{% for x in l %}{{ loop.previtem is defined }}-{{ loop.nextitem is defined }}|{% endfor %}',
    '{% for x in l if x > 1 %}{{ x }}{{ loop.index }}{{ loop.length }}{{ loop.last }}{{ loop.revindex }}|{% endfor %}',
    '{% for x in el %}a{% else %}empty{% endfor %}',
    '{% for x in l %}{% break %}{% else %}E{% endfor %}',
    '{% for x in l %}{{ x }}{% if x == 1 %}{% break %}{% endif %}{% else %}E{% endfor %}',
    '{% for x in l %}{% continue %}{% else %}E{% endfor %}',
    '{% for x in l %}{% if x == 3 %}{% continue %}{% endif %}{{ x }}{% else %}E{% endfor %}',
    '{% for x in l if x > 9 %}a{% else %}none{% endfor %}',
    '{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}',
    '{% for k, v in d|dictsort %}{{ k }}={{ v }};{% endfor %}',
    '{% for k in d %}{{ k }}{% endfor %}',
    "{% for c in 'añb' %}[{{ c }}]{% endfor %}",
    '{% for a, b in [[1,2],[3,4]] %}{{ a }}{{ b }}{% endfor %}',
    '{% for a, (b, c) in [[1,[2,3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %}',
    '{% for a, b in [[1,2,3]] %}{% endfor %}',
    '{% for a, b in [1] %}{% endfor %}',
    "{% for a, b in ['xy'] %}{{ b }}{% endfor %}",
    '{% for x in none %}{% endfor %}',
    '{% for x in nope %}{% else %}E{% endfor %}',
    '{% for x in 5 %}{% endfor %}',
    '{% set x = 1 %}{% for i in l %}{% set x = i %}{% endfor %}{{ x }}',
    '{% set x = 1 %}{% for i in l %}{{ x }}{% set x = i %}{{ x }}{% endfor %}{{ x }}',
    '{% set ns = namespace(x=0) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}',
    '{% set ns = namespace(found=false) %}{% for i in l if not ns.found %}{{ i }}{% if i == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}',
    '{% set ns = namespace(found=false) %}{% for i in l if not ns.found %}{{ i }}{{ loop.last }}{% set ns.found = true %}{% endfor %}',
    '{% set ns = namespace() %}{% set ns.l = [] %}{% for i in l %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.l }}',
    '{% set ns.x = 1 %}',
    '{% set d.x = 1 %}',
    '{% set a, b = 1, 2 %}{{ a }}{{ b }}',
    '{% set a, b = l %}',
    '{% set a = 1, %}{{ a }}',
    '{% set a %}  x {{ n }} {% endset %}[{{ a }}]',
    '{% set a | upper %}x{{ s }}{% endset %}{{ a }}',
    "{% set a | upper | replace('X','Y') %}x{% endset %}{{ a }}",
    '{% set a %}{% set b = 1 %}{{ b }}{% endset %}{{ a }}{{ b }}',
    '{% if true %}{% set x = 5 %}{% endif %}{{ x }}',
    '{% if false %}{% set n = 5 %}{% endif %}{{ n }}',
    "{% if false %}a{% elif 0 %}b{% elif 'x' %}c{% else %}d{% endif %}",
    '{% if false %}a{% elif 0 %}b{% else %}d{% endif %}',
    '{% if l %}y{% endif %}{% if el %}n{% endif %}{% if ed %}n{% endif %}{% if e %}n{% endif %}{% if z %}n{% endif %}{% if no %}n{% endif %}{% if nope %}n{% endif %}',
    "{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c=4) }}{{ m(a=9) }}",
    '{% macro m(a) %}[{{ a }}{{ a is defined }}]{% endmacro %}{{ m() }}',
    '{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1,2) }}',
    '{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}',
    '{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}',
    '{% macro m(a=n) %}{{ a }}{% endmacro %}{% set n = 7 %}{{ m() }}',
    '{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}',
    '{% macro m() %}{{ x }}{% endmacro %}{% for x in l %}{{ m() }}{% endfor %}',
    '{% for x in l %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}',
    '{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}',
    '{% macro m() %}x{% endmacro %}{{ m }}',
    "{% macro m() %} x {% endmacro %}{{ m()|trim ~ 'y' }}",
    '{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}',
    '{% macro m(x) %}<{{ caller() }}{{ x }}>{% endmacro %}{% call m(1) %}body{{ n }}{% endcall %}',
    '{% macro m(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) m(1) %}b{{ y }}{% endcall %}',
    '{% filter upper %}abc{{ s }}{% endfilter %}',
    '{% filter upper|trim %} abc {% endfilter %}',
    '{% with a=1, b=2 %}{{ a }}{{ b }}{% endwith %}{{ a }}',
    '{% with %}{% set q=1 %}{{ q }}{% endwith %}{{ q }}',
    '{% generation %}x{{ n }}{% endgeneration %}',
    '{% generation %}{% set gg = 1 %}{% endgeneration %}{{ gg }}',
    '{% for x in l %}{% generation %}{{ x }}{{ loop.index }}{% endgeneration %}{% endfor %}',
    '{% print 1, 2 %}',
    '{% raw %}{{ x }}{% if %}{% endraw %}y',
    '  {% raw %}  {{ x }}',
    ' {% endraw %}',
    ' y',
    'a {%- raw -%}  {{ x }} {%- endraw -%} b',
    '{# c #}x',
    '  {# c #}',
    'x',
    '  {#- c -#}  x',
    'x{# c +#}',
    'y',
    'x {#+ c #}',
    '{#}x#}y',
    'multi',
    'line #}',
    'a',
    '  {% if true %}',
    '    b',
    '  {% endif %}',
    'c',
    '  {%- if true -%}',
    '  {%- endif -%}',
    '  {%+ if true +%}',
    '  {%+ endif +%}',
    'a  {% if true %}  b  {% endif %}  c',
    '  {{ n }}',
    '  {{- n -}}',
    '  x',
    '{{- n }} {{ n -}} {{+ n }}',
    '{{-1}}{{ -1}}',
    "{{ {'a':{'b':1}} }}",
    "{{ {'a':{'b':1}}}}",
    '{{ \'}}\' }}{{ "%}" }}',
    "{% set x = '%}' %}{{ x }}",
    '{% if (true) %}a{% endif%}b',
    '{%if true%}a{%endif%}b',
    '{%- set x = 1 -%}',
    '',
    '   {{ x }}',
    '{%\tif\ttrue\t%}tab{%\tendif\t%}',
    '{{',
    'n',
    '}}',
    '{% for x in l -%}',
    '  {{ x }}',
    '{%- endfor %}',
    '{% for x in l %}{% for y in l %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }}{% endfor %}',
    '{% for x in l %}{% set outer = loop %}{% for y in l %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}',
    "{% for x in l %}{{ loop.cycle('a','b') }}{% endfor %}",
    '{% for x in [1,1,2] %}{{ loop.changed(x) }}{% endfor %}',
    '{% for x in l %}{% else %}{{ loop }}{% endfor %}',
    '{% for x in [] %}{% else %}{{ loop is defined }}{% endfor %}',
    '{% for x in l if loop.index > 1 %}{% endfor %}',
    '{% for loop in l %}{% endfor %}',
    '{% for true in l %}{% endfor %}',
    '{% for x in l|reverse %}{{ x }}{{ loop.last }}{{ loop.length }}{% endfor %}',
    '{% for x in range(3) %}{{ x }}{% endfor %}',
    "{% for x in l|map('string')|list %}{{ x }}{% endfor %}",
    "{% set g = l|map('string') %}{{ g|list }}{{ g|list }}",
    "{% set g = l|map('string') %}{% if g %}T{% endif %}{{ g|first }}{{ g|list }}",
    "{% set g = el|map('string') %}{% if g %}T{% endif %}{{ g|list }}",
    "{{ (l|map('string'))[0] }}",
    "{{ l|map('string')|length }}",
    "{{ l|map('string')|last }}",
    "{% for x in ms|selectattr('role','equalto','user') %}{{ x.content }}{{ loop.length }}{% endfor %}",
    '{% for m in ms[::-1] %}{{ loop.index0 }}{{ m.role }}{% endfor %}',
    '{% for m in ms %}{% if m.tool_calls is defined and m.tool_calls %}{{ m.tool_calls[0].function|tojson }}{% endif %}{% endfor %}',
    '{% break %}',
    '{% continue %}',
    '{% for x in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}',
    '{% for x in l %}{% set q %}a{% break %}{% endset %}{% endfor %}z',
    '{% endif %}',
    '{% if %}{% endif %}',
    '{% if true %}',
    '{% for x in l %}',
    '{% for x %}{% endfor %}',
    '{% for in l %}{% endfor %}',
    '{% set %}',
    '{% set 1 = 2 %}',
    '{% set x = %}',
    '{% set true = 1 %}',
    '{% foo %}',
    '{% else %}',
    '{% if true %}{% endfor %}',
    '{% macro %}{% endmacro %}',
    '{% macro m %}{% endmacro %}',
    '{% macro m(a=1, b) %}{% endmacro %}',
    '{% macro m(1) %}{% endmacro %}',
    '{# x',
    '{{ n',
    '{{ n }',
    '{{ n %}',
    '{% if n }}',
    '{{ }}',
    '{{}}',
    '{%%}',
    '{% %}',
    '{{ n }} }} %} #}',
    '{ { n } }',
    '{{ n }}',
    ' ',
    '{{ (n }}',
    '{{ n) }}',
    '{{ [n) }}',
    '{% if n: %}x{% endif %}',
    '{% for x in l: %}{{ x }}{% endfor %}',
    '{% set x = namespace(a=1) %}{% set y = x %}{% set y.a = 2 %}{{ x.a }}',
    '{% set x = namespace(a=1) %}{% set x.a, b = 5, 6 %}{{ x.a }}{{ b }}',
    '{% set x = 1 %}{% if x == 1 %}{% set x = 2 %}{% endif %}{{ x }}',
    '{% for x in l %}{% if loop.first %}{% set q = 1 %}{% endif %}{{ q }}{% endfor %}',
    '{% for x in l %}{% if loop.first %}{% set s = 1 %}{% endif %}{{ s }}{% endfor %}',
    '{% set q = 5 %}{% for x in l %}{% if loop.first %}{% set q = 1 %}{% endif %}{{ q }}{% endfor %}{{ q }}',
    '{{ x }}{% set x = 3 %}{{ x }}',
    "{% set s = s ~ '!' %}{{ s }}",
    '{% for s in s %}{{ s }}{% endfor %}{{ s }}',
    '{% for i in [1,2] %}{% for l in l %}{{ l }}{% endfor %}{% endfor %}',
    '{% macro m() %}{% for i in l %}{{ i }}{% endfor %}{% endmacro %}{% for j in [1] %}{{ m() }}{% endfor %}',
    '{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}',
    '{{ a() }}{% macro a() %}A{% endmacro %}',
    "{% set f = 'abc'.upper %}{{ f() }}",
    "{% set f = d.get %}{{ f('b') }}",
    "{% include 'x' %}",
    '{% do 1 %}',
    '{% set x = "a\\nb" %}{{ x }}',
    "{% set x = 'a",
    "b' %}{{ x }}",
    '{{ 1 }}{{ 2 }}',
    "{{ '{{' }}{{ '{%' }}",
    '{{ "\\u00e9\\x41\\t|\\\'" }}',
    "{{ raise_exception('bad ' ~ n) }}",
    "{% if ms[0].role != 'system' %}{{ raise_exception('x') }}{% endif %}",
    '{{ nope.foo }}',
    '{{ d.nope.foo }}',
    '{{ ms[0].nope.foo }}',
    '{{ ms[5] }}|{{ ms[5].x }}',
    'a\n  {% if true %}\n    b\n  {% endif %}\nc\n',
    'a\n  {%- if true -%}\n    b\n  {%- endif -%}\nc\n',
    'a\n  {%+ if true +%}\n    b\n  {%+ endif +%}\nc\n',
    'a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc\r\n',
    'a\rb\r\n\n',
    'x\n\n',
    '\n',
    '\n\n{% if true %}\n\nx\n\n{% endif %}\n\n',
    '  {% raw %}  {{ x }}\n {% endraw %}\n y',
    'a\n  {% raw %}\nx\n  {% endraw %}\nb',
    '  {# c #}\nx',
    'x{# c +#}\ny',
    'x {#+ c #}\ny',
    'x\n  {#+ c #}\ny',
    '{#\nmulti\nline #}\nx',
    'x {#-#} y',
    '  {{ n }}\n  {{- n -}}\n  x',
    '{%- set x = 1 -%}\n\n   {{ x }}\n',
    '{{\nn\n}}\n',
    '{% for x in l -%}\n  {{ x }}\n{%- endfor %}',
    '{% for x in l %}\n  {{ x }}\n{% endfor %}\nz',
    '  {% for x in l %}  \n  {{ x }}\n  {% endfor %}  \nz',
    '\xa0{% if true %}\n\u2003{%- endif %}x',
    'x\u2028{% if true %}y{% endif %}',
    "{% set x = 'a\nb' %}{{ x }}",
    'a\n\t{% if true %}\n\t\tb\n\t{% endif %}',
    '{% if true %}\n\n{% endif %}\n',
    '{{ n }}\n{{ n }}\n\n',
    '{{ n -}}\n\n x',
    '{{- n }}',
    'x\n{{- n }}',
    'x\n  {{ n }}\n',
    '{% raw %}\n{% endraw %}',
    '{% raw -%}\n a {%- endraw %}\nb',
    '{%raw%}{{{%endraw%}',
    '{% raw %}{% raw %}{% endraw %}',
    '{%+ raw %}x{% endraw +%}\ny',
    '{% if true %}{# c #}\n{% endif %}{# d #}\nx',
    'a{% if true %}\n  {# c #}  \n{% endif %}b',
]

# What they are rendered with.
VARIABLES = {'s': 'Hello World',
 'u': 'Grüße, Σίσυφος! Привет 你好 🙂',
 'e': '',
 'n': 42,
 'neg': -7,
 'f': 2.5,
 'z': 0,
 'l': [3, 1, 2],
 'el': [],
 'd': {'b': 1, 'a': {'x': [1, 2]}, 'items': 'I'},
 'ed': {},
 't': True,
 'fa': False,
 'no': None,
 'ms': [{'role': 'user', 'content': 'hi'},
        {'role': 'assistant',
         'content': None,
         'tool_calls': [{'function': {'name': 'f', 'arguments': {'a': 1, 'b': 'x"y'}}}]},
        {'role': 'tool', 'content': 'R'}],
 'ws': '  \t pad \n ',
 'big': 18446744073709551615,
 'words': ['b', 'A', 'c', 'a']}
